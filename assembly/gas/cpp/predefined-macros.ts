/**
 * Macros that no file defines.
 */
import { FileOrigin, Line } from '../line.ts';
import { Macro, readDefine } from './macro.ts';
import { PREDEFINED } from './predefined.ts';
import { tokenize } from './token.ts';

let predefined: ReadonlyMap<string, Macro> | undefined;

/**
 * The macro that `text` defines, which is what `#define` is followed by.
 * @throws DirectiveError
 */
export function defineFrom(text: string): Macro {
  const line = new Line(text, new FileOrigin('<built-in>', 1));
  const macro = readDefine(tokenize(line), line);
  return new Macro(macro.name, macro.parameters, macro.variadic, macro.body, undefined);
}

/** What gcc predefines, by name; always the same map. */
export function predefinedMacros(): ReadonlyMap<string, Macro> {
  if (predefined === undefined) {
    const macros = new Map<string, Macro>();
    for (const text of PREDEFINED.trim().split('\n')) {
      const macro = defineFrom(text);
      macros.set(macro.name, macro);
    }
    for (const name of ['__LINE__', '__FILE__', '__COUNTER__', '__INCLUDE_LEVEL__', '__BASE_FILE__', '__DATE__', '__TIME__'] as const) {
      macros.set(name, new Macro(name, undefined, false, [], undefined, name));
    }
    predefined = macros;
  }
  return predefined;
}
