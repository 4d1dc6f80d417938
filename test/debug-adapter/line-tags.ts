/**
 * Lines of a fixture by what their comment says, so that nothing moves when a line is added.
 */

/** The line (from 1) whose comment is `tag`. */
export function lineWith(text: string, tag: string): number {
  const lines = text.split('\n').flatMap((line, index) => (line.includes(`/* ${tag} */`) ? [index + 1] : []));
  if (lines.length !== 1) throw new Error(`${String(lines.length)} lines are tagged "${tag}"`);
  return lines[0]!;
}
