/**
 * Whether values that were sent are of the types that a protocol's own declarations give them: no property missing, none of another type, none
 * that the protocol does not have. The TypeScript compiler is the judge, of a module with each value as a constant of its type.
 */
import ts from 'typescript';

export interface SentValue {
  /** Of the imports, e.g. `DebugProtocol.StoppedEvent`. */
  readonly type: string;
  readonly value: unknown;
}

const FILE = `${process.cwd()}/test/protocol-values.ts`;

/** The compiler's complaints, each with the value it is about; empty if all is well. */
export function typeErrors(imports: string, sent: readonly SentValue[]): readonly string[] {
  const lines = [imports, ...sent.map(({ type, value }, index) => `export const v${String(index)}: ${type} = ${JSON.stringify(value)};`)];
  const options: ts.CompilerOptions = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, languageVersion) => (name === FILE ? ts.createSourceFile(name, lines.join('\n'), languageVersion) : read(name, languageVersion));
  const program = ts.createProgram([FILE], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const line = diagnostic.file?.fileName === FILE && diagnostic.start !== undefined ? lines[diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line]! : '';
    return `${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}\n  ${line.length > 400 ? `${line.slice(0, 400)}…` : line}`;
  });
}
