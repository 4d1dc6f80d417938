/**
 * Functions without a size or a type: what finds a fault's function, or its end, does not find theirs.
 */
import type { FileCheck, Finding } from './check.ts';

export const symbolAttributes: FileCheck = {
  codes: ['missing-size', 'missing-type'],
  severity: 'warning',
  run(analysis) {
    const covered = new Set(analysis.instructions.filter(({ entries }) => entries.length > 0).map(({ routine }) => routine));
    const typed = new Set(analysis.unit.statements.flatMap((statement) => (statement.kind === 'directive' && statement.name === '.type' ? [firstName(statement.arguments[0]?.text)] : [])));
    return analysis.routines.filter((routine) => routine.global && (covered.has(routine) || (analysis.checksWithoutEntries && analysis.entries.length === 0))).flatMap(({ name, sized, isFunction, range }): readonly Finding[] => [
      ...(sized ? [] : [{ code: 'missing-size', message: `${name} has no size: end it with .size ${name}, . - ${name}`, range }]),
      ...(isFunction || typed.has(name) ? [] : [{ code: 'missing-type', message: `${name} has no type: write .type ${name}, @function`, range }]),
    ]);
  },
};

/** `.type name STT_FUNC` has no comma. */
function firstName(text: string | undefined): string {
  return (text ?? '').split(/[\s,]/)[0]!;
}
