import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from 'vitest';
import oniguruma from 'vscode-oniguruma';
import { INITIAL, Registry, parseRawGrammar } from 'vscode-textmate';
import type { IGrammar } from 'vscode-textmate';

const root = new URL('../../', import.meta.url);
let grammar: IGrammar;

beforeAll(async () => {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm);
  const path = new URL('syntaxes/gas.tmLanguage.json', root);
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns), createOnigString: (text) => new oniguruma.OnigString(text) }),
    loadGrammar: () => Promise.resolve(parseRawGrammar(readFileSync(path, 'utf8'), path.pathname)),
  });
  grammar = (await registry.loadGrammar('source.gas'))!;
});

/** `text => innermost scope` for each token of the source that has a scope of its own. */
function tokens(source: string): string[] {
  let state = INITIAL;
  return source.split('\n').flatMap((line) => {
    const { tokens: found, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return found.flatMap(({ startIndex, endIndex, scopes }) => {
      const text = line.slice(startIndex, endIndex).trim();
      return text === '' || scopes.length < 2 ? [] : [`${text} => ${scopes.at(-1)!.replace(/\.gas$/, '')}`];
    });
  });
}

test('the grammar in the repository is what its generator writes', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/grammar.mjs', '--check'], { cwd: root, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('an AT&T instruction with a label, a memory operand and a comment', () => {
  expect(tokens('.Lread: movq 8(%rsi,%rcx,8), %r8 # load')).toMatchInlineSnapshot(`
    [
      ".Lread => entity.name.label",
      ": => punctuation.separator.label",
      "movq => keyword.mnemonic",
      "8 => constant.numeric.decimal",
      "% => punctuation.definition.variable",
      "rsi => variable.language.register",
      "% => punctuation.definition.variable",
      "rcx => variable.language.register",
      "8 => constant.numeric.decimal",
      "% => punctuation.definition.variable",
      "r8 => variable.language.register",
      "# => punctuation.definition.comment",
      "load => comment.line.number-sign",
    ]
  `);
});

test('an exception-table entry', () => {
  expect(tokens('\t_ASM_EXTABLE_TYPE(1b, .Lfault, EX_TYPE_DEFAULT_MCE_SAFE)')).toMatchInlineSnapshot(`
    [
      "_ASM_EXTABLE_TYPE => support.function.extable",
      "1b => variable.other.label.local",
      "EX_TYPE_DEFAULT_MCE_SAFE => support.constant.extable",
    ]
  `);
});

test('mcsafe directives stand out in comments', () => {
  expect(tokens('# mcsafe: contract copy dst=rdi n=rdx')).toMatchInlineSnapshot(`
    [
      "# => punctuation.definition.comment",
      "mcsafe: => keyword.other.mcsafe",
      "contract => keyword.control.mcsafe",
      "copy => comment.line",
      "dst => variable.parameter.mcsafe",
      "= => keyword.operator.assignment",
      "rdi => constant.other.mcsafe",
      "n => variable.parameter.mcsafe",
      "= => keyword.operator.assignment",
      "rdx => constant.other.mcsafe",
    ]
  `);
});

test('the preprocessor is told from comments', () => {
  expect(tokens('#include <linux/linkage.h>\n# define N 64\n#ifdef CONFIG_X86 // why\n# a comment\n')).toMatchInlineSnapshot(`
    [
      "# => punctuation.definition.directive",
      "include => keyword.control.directive.include",
      "<linux/linkage.h> => string.quoted.include",
      "# => punctuation.definition.directive",
      "define => keyword.control.directive.define",
      "N => entity.name.function.preprocessor",
      "64 => constant.numeric.decimal",
      "# => punctuation.definition.directive",
      "ifdef => keyword.control.directive.conditional",
      "CONFIG_X86 => entity.name.function.preprocessor",
      "// => punctuation.definition.comment",
      "why => comment.line.double-slash",
      "# => punctuation.definition.comment",
      "a comment => comment.line.number-sign",
    ]
  `);
});

test('a block comment reaches over lines', () => {
  expect(tokens('/*\n * rdi = destination\n */ ret')).toMatchInlineSnapshot(`
    [
      "/* => punctuation.definition.comment",
      "* rdi = destination => comment.block",
      "*/ => punctuation.definition.comment",
      "ret => keyword.control.flow",
    ]
  `);
});

test('macros, their parameters and strings', () => {
  expect(tokens('.macro LOAD reg:req\nmovb \\reg, %al\n.endm\n.asciz "a\\n"')).toMatchInlineSnapshot(`
    [
      ".macro => keyword.control.directive",
      "LOAD => entity.name.function.macro",
      "reg => variable.parameter",
      ": => punctuation.separator",
      "req => storage.modifier",
      "movb => keyword.mnemonic",
      "\\reg => variable.parameter",
      "% => punctuation.definition.variable",
      "al => variable.language.register",
      ".endm => keyword.control.directive",
      ".asciz => storage.type.directive",
      "" => punctuation.definition.string.begin",
      "a => string.quoted.double",
      "\\n => constant.character.escape",
      "" => punctuation.definition.string.end",
    ]
  `);
});

test('Intel syntax', () => {
  expect(tokens('mov rax, qword ptr [rsi+8]')).toMatchInlineSnapshot(`
    [
      "mov => keyword.mnemonic",
      "rax => variable.language.register",
      "qword ptr => storage.modifier.size",
      "rsi => variable.language.register",
      "+ => keyword.operator",
      "8 => constant.numeric.decimal",
    ]
  `);
});

describe('mnemonics', () => {
  const scopeOf = (mnemonic: string): string | undefined => tokens(`\t${mnemonic}\t%foo`).find((token) => token.startsWith(`${mnemonic} =>`));
  test.each(['jmp', 'jnz', 'jrcxz', 'call', 'callq', 'ret', 'retq', 'loopne', 'syscall', 'iretq'])('%s changes the flow', (mnemonic) => {
    expect(scopeOf(mnemonic)).toBe(`${mnemonic} => keyword.control.flow`);
  });
  test.each(['mov', 'movb', 'movq', 'movzbl', 'movslq', 'movabsq', 'lea', 'cmovnel', 'setc', 'xorl', 'stac', 'clac', 'sfence', 'vmovdqu', 'pclmulqdq', 'xsaveopt64', 'cltq', 'cqto', 'movsb', 'stosq', 'bswapq', 'crc32b'])('%s computes', (mnemonic) => {
    expect(scopeOf(mnemonic)).toBe(`${mnemonic} => keyword.mnemonic`);
  });
  test.each(['rep', 'lock'])('%s is a prefix', (prefix) => {
    expect(scopeOf(prefix)).toBe(`${prefix} => keyword.other.prefix`);
  });
  test.each(['copy_mc', 'loops_done', 'ret_label', 'moving'])('%s is just a name', (name) => {
    expect(scopeOf(name)).toBeUndefined();
  });
});

test.each(['al', 'spl', 'r8b', 'r15d', 'r9w', 'cr2', 'dr7', 'xmm31', 'k1', 'st(3)', 'rip'])('%%%s is a register', (register) => {
  expect(tokens(`\tmov\t%${register}, x`)).toContain(`${register} => variable.language.register`);
});

test('no line of the samples makes the grammar run away', () => {
  const samples = readdirSync(new URL('samples/', root)).filter((name) => name.endsWith('.S'));
  expect(samples.length).toBeGreaterThan(0);
  for (const name of samples) {
    const text = readFileSync(new URL(`samples/${name}`, root), 'utf8');
    let state = INITIAL;
    for (const line of text.split('\n')) {
      const result = grammar.tokenizeLine(line, state, 500);
      expect(result.stoppedEarly, `${name}: ${line}`).toBe(false);
      state = result.ruleStack;
    }
    expect(state.depth, `${name} ends inside a construct`).toBe(1);
  }
});
