import eslint from '@eslint/js';
import n from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

const TESTS = ['**/*.spec.ts', '**/testing/**/*.ts', 'test/**/*.ts'];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.nx/**',
      '.sever/**',
      'test/architecture/fixtures/**',
      '**/*.{js,mjs,cjs}',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { n },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { disallowTypeAnnotations: false, fixStyle: 'inline-type-imports' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/ban-ts-comment': 'error',
      'n/no-process-env': 'error',
      complexity: ['error', 18],
      'max-depth': ['error', 3],
      'max-params': ['error', 6],
      'max-lines': ['error', { max: 340, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 110, skipBlankLines: true, skipComments: true }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@nestjs/common',
              importNames: ['forwardRef'],
              message: 'An import cycle crashes under ESM; change the design.',
            },
            { name: '.', message: 'Import the file, not the own barrel.' },
            { name: './index.js', message: 'Import the file, not the own barrel.' },
            { name: '../index.js', message: 'Import the file, not the own barrel.' },
          ],
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[property.name='NODE_ENV']",
          message: 'No test branches in production code.',
        },
        { selector: 'ExportAllDeclaration', message: 'Name what a library exports.' },
      ],
    },
  },
  {
    // Decorated constructors need their parameter types as values.
    files: ['apps/**/*.ts', 'libs/connector-runtime/**/*.ts', 'libs/event-log-transport/**/*.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  { files: ['libs/config/src/**/*.ts'], rules: { 'n/no-process-env': 'off' } },
  {
    files: TESTS,
    rules: {
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off',
      'n/no-process-env': 'off',
      'no-restricted-imports': 'off',
    },
  },
);
