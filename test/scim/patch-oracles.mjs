import { text } from 'node:stream/consumers';
import scimPatchModule from 'scim-patch';
import SCIMMY from 'scimmy';

// Applies PATCH requests with two libraries that are not Sever's. It runs in a process of its own, which is thrown away: one of
// them writes to Object.prototype when it is asked to.
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const { scimPatch } = scimPatchModule;
SCIMMY.Schemas.User.definition.extend(SCIMMY.Schemas.EnterpriseUser.definition);

async function withScimmy({ type, resource, operations }) {
  const Schema = SCIMMY.Schemas[type];
  const instance = new Schema(structuredClone(resource), 'out');
  const message = new SCIMMY.Messages.PatchOp({ schemas: [PATCH], Operations: structuredClone(operations) });
  const after = await message.apply(instance);
  return JSON.parse(JSON.stringify(after ?? instance));
}

const withScimPatch = ({ resource, operations }) =>
  scimPatch(structuredClone(resource), structuredClone(operations), {
    mutateDocument: false,
    treatMissingAsAdd: true,
  });

async function outcome(attempt) {
  try {
    return { after: await attempt() };
  } catch (error) {
    return { refused: String(error.scimType ?? error.scimCode ?? error.message ?? error) };
  }
}

const cases = JSON.parse(await text(process.stdin));
const results = [];
for (const one of cases)
  results.push({
    scimmy: await outcome(() => withScimmy(one)),
    scimPatch: await outcome(() => withScimPatch(one)),
  });
process.stdout.write(JSON.stringify(results));
