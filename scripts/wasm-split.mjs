// A WebAssembly module as two: what a program needs at its start, and the rest, which is fetched when a function of it is first called.
// Where the line is drawn changes what is fast, never what is right.
import { code, FUNCTION, GLOBAL, MEMORY, prefixed, references, renumbered, TABLE } from './wasm-module.mjs';

/** The namespaces the two import from: the first wants `later.fetch`, which instantiates the rest and sets the first's global `there`; the rest wants what the first exports. */
export const LATER = 'later', FIRST = 'first';

/** The module with a byte for each function, from `at` on in a page of memory of its own, that becomes 1 when it runs. */
export function withCoverage(module, at) {
  const functions = module.functions.map(({ type, body }, k) => ({ type, body: prefixed(body, [...code.i32(at + k), ...code.i32(1), ...code.storeByte]) }));
  return { ...module, memory: { ...module.memory, least: module.memory.least + 1 }, functions };
}

/** Numbers of the functions that `roots` (numbers, too) can get to; through the table, to any function of the type that is called. */
export function reachable(module, roots) {
  const found = new Set();
  const types = new Set();
  const { byType, ownBody } = numbering(module);
  const waiting = [...roots];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (found.has(index)) continue;
    found.add(index);
    const body = ownBody(index);
    if (body === undefined) continue;
    const { calls, indirect } = references(body);
    waiting.push(...calls.map((call) => call.index));
    for (const type of indirect) {
      if (types.has(type)) continue;
      types.add(type);
      waiting.push(...byType.get(type) ?? []);
    }
  }
  return found;
}

/**
 * Two modules that are together what `module` is. `early`: functions that are in the first, where those among them are exported that are exports.
 * Of another function that these call, or the table has, the first has a forwarder, which fetches the rest if need be and goes through the table.
 * The rest exports the others, has its own copies of what its functions call, and works on the first's memory, table and globals. Functions that
 * no export leads to are in neither.
 */
export function split(module, early, { firstData, restData }) {
  const isEarly = (index) => index < module.imports.length || early.has(index);
  const exported = module.exports.filter(({ kind }) => kind === FUNCTION);
  const earlyExports = exported.filter(({ index }) => isEarly(index)), lateExports = exported.filter(({ index }) => !isEarly(index));
  const numbersOf = (exports) => exports.map(({ index }) => index);
  const live = reachable(module, numbersOf(exported));
  const elements = new Map([...module.elements].filter(([, index]) => live.has(index)));
  const { typeOf, ownBody } = numbering(module);

  // What the first module names, behind forwarders nothing.
  const named = reachable({
    ...module, elements: new Map(), functions: module.functions.map((one, k) => (isEarly(module.imports.length + k) ? one : { ...one, body: code.body() })),
  }, [...numbersOf(earlyExports), ...elements.values()]);
  const deferred = [...named].filter((index) => !isEarly(index));
  // Where in the table a forwarder finds its function.
  const places = new Map([...elements].map(([place, index]) => [index, place]));
  let tableSize = module.table.least;
  for (const index of deferred) if (!places.has(index)) places.set(index, tableSize++);
  const table = { least: tableSize, most: module.table.most === undefined ? undefined : Math.max(module.table.most, tableSize) };

  const nothing = { params: [], results: [] };
  const types = [...module.types, nothing];
  const there = module.globals.length;
  const fetch = module.imports.length;
  const forwarder = (index) => code.body(
    code.global(there), code.unless(code.call(fetch)),
    ...types[typeOf(index)].params.map((_, k) => code.get(k)), code.i32(places.get(index)), code.callIndirect(typeOf(index)),
  );

  const first = assembled(module, named, fetch + 1, (index, renumber) => (isEarly(index) ? renumbered(ownBody(index), renumber) : forwarder(index)));
  const restNames = reachable({ ...module, elements: new Map() }, [...deferred, ...numbersOf(lateExports)]);
  const rest = assembled(module, restNames, fetch, (index, renumber) => renumbered(ownBody(index), renumber));
  const withNumbers = (exports, numbers) => exports.map((one) => ({ ...one, index: numbers.get(one.index) }));
  return {
    first: {
      ...module, types, table, functions: first.functions, elements: renumberedValues(elements, first.numbers),
      imports: [...module.imports, { module: LATER, name: 'fetch', kind: FUNCTION, type: types.length - 1 }],
      globals: [...module.globals, { type: Buffer.from([0x7f, 1]), value: code.constant(0) }],
      exports: [
        ...withNumbers(earlyExports, first.numbers),
        { name: 'memory', kind: MEMORY, index: 0 }, { name: 'table', kind: TABLE, index: 0 }, { name: 'there', kind: GLOBAL, index: there },
        ...module.globals.map((_, k) => ({ name: `global${k}`, kind: GLOBAL, index: k })),
      ],
      data: firstData,
    },
    rest: {
      ...module, table: undefined, memory: undefined, globals: [], functions: rest.functions, data: restData,
      imports: [
        ...module.imports, { module: FIRST, name: 'memory', kind: MEMORY, limits: module.memory }, { module: FIRST, name: 'table', kind: TABLE, limits: table },
        ...module.globals.map(({ type }, k) => ({ module: FIRST, name: `global${k}`, kind: GLOBAL, global: type })),
      ],
      exports: withNumbers(lateExports, rest.numbers),
      elements: renumberedValues(new Map(deferred.map((index) => [places.get(index), index])), rest.numbers),
    },
  };
}

/** Functions with new numbers: the imported ones keep theirs, the others follow from `base` on. */
function assembled(module, indices, base, bodyOf) {
  const { typeOf } = numbering(module);
  const own = [...indices].filter((index) => index >= module.imports.length).sort((a, b) => a - b);
  const numbers = new Map([...module.imports.keys()].map((index) => [index, index]));
  own.forEach((index, k) => numbers.set(index, base + k));
  return { functions: own.map((index) => ({ type: typeOf(index), body: bodyOf(index, (old) => numbers.get(old)) })), numbers };
}

const renumberedValues = (elements, numbers) => new Map([...elements].map(([place, index]) => [place, numbers.get(index)]));

/** Functions by number, and those in the table by type. */
function numbering({ imports, functions, elements }) {
  const typeOf = (index) => (index < imports.length ? imports[index] : functions[index - imports.length]).type;
  const byType = new Map();
  for (const index of elements.values()) byType.set(typeOf(index), [...byType.get(typeOf(index)) ?? [], index]);
  return { typeOf, byType, ownBody: (index) => functions[index - imports.length]?.body };
}
