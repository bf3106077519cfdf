/**
 * Puts generated text between the markers of a Markdown document.
 * @throws Error when the document has no such markers
 */
export function inMarkers(document: string, name: string, generated: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document has no markers ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${generated}\n\n${document.slice(to)}`;
}
