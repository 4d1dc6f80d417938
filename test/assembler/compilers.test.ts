/**
 * What compilers write is assembled as GNU as does it: sections, relocations and symbols are equal, but for the line table, which each
 * assembler makes in its own way.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { assemble } from '../../assembly/assembler/assemble.ts';
import type { ObjectFile } from '../../assembly/elf/object.ts';
import { missing } from '../corpus/corpus.ts';
import { describeObject, gas } from './objects.ts';
import { read } from './reader.ts';

/** Thread-local, weak, aliased, resolved and sectioned symbols, a jump table, constructors, floats, cold paths. */
const C = String.raw`
extern int weak_one(int) __attribute__((weak));
static int reference(void) __attribute__((weakref("target")));
__thread int here = 3; static __thread int local[4]; extern __thread int there;
static int (*resolver(void))(int) { return 0; }
int chosen(int) __attribute__((ifunc("resolver")));
int real(int x) { return x + here + local[x & 3] + there; }
int other(int) __attribute__((alias("real"), visibility("hidden")));
extern int puts(const char *); extern void die(void) __attribute__((noreturn, cold));
__attribute__((constructor(101))) static void first(void) { puts("a\n\t\"q\" \\ \x01\xff"); }
__attribute__((aligned(64))) char buffer[1000];
const char *const texts[] = { "a", "bb", "a" };
const double numbers[] = { 1e300, -0.0, 1.0 / 0.0 };
static int count(int *p, int n) { int sum = 0; for (int i = 0; i < n; i++) { if (p[i] < 0) die(); sum += p[i] * i; } return sum; }
int pick(int x) {
  switch (x) {
  case 0: return 5; case 1: return 9; case 2: return weak_one(x); case 3: return x * 77; case 4: return reference();
  case 5: return chosen(x); case 9: return count((int *)buffer, 10);
  }
  return 0;
}
double scale(double a, float b) { return a * b + 2.5; }
int main(int n, char **v) { __label__ there; void *p = &&there; if (n > 1) goto *p; there: return pick(n) + (int)scale(n, 2); }
`;
const CXX = String.raw`
struct Failure { int code; };
template <class T> struct Base { virtual ~Base() {} T x; virtual T get() { if (x > 3) throw Failure{1}; return x; } };
struct Derived : virtual Base<int> { int get() override { try { return Base<int>::get(); } catch (Failure &f) { return f.code; } } };
inline int shared() { static int calls; return ++calls; }
struct Guard { int n = shared(); ~Guard() { shared(); } };
thread_local Guard guard;
int main() { Derived d; Guard g; return d.get() + guard.n; }
`;
const BUILDS = ['-O2 -g', '-O0 -g3 -gdwarf-5', '-O2 -g -masm=intel', '-Os -fPIC -ffunction-sections -fdata-sections -gdwarf-4 -fcf-protection=full'];

const skip = missing('compilers against GNU as', { commands: ['gcc', 'g++', 'as'] });
const folder = mkdtempSync(join(tmpdir(), 'mcsafe-compilers-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Without the line table, its symbols, and the order of symbols, which follows the tables that an assembler makes itself. */
function comparable(object: ObjectFile): readonly string[] {
  return describeObject(object).filter((line) => !/^(?:section | {2}|symbol )\.debug_line/.test(line)).sort();
}

describe.skipIf(skip !== undefined)('the output of a compiler', () => {
  it.each(['c', 'cc'].flatMap((language) => BUILDS.map((flags) => [language, flags] as const)))('%s, %s', { timeout: 60_000 }, (language, flags) => {
    const [source, output] = [join(folder, `source.${language}`), join(folder, 'output.s')];
    writeFileSync(source, language === 'c' ? C : CXX);
    expect(spawnSync(language === 'c' ? 'gcc' : 'g++', [...flags.split(' '), '-w', '-S', '-o', output, source], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    const text = readFileSync(output, 'utf8');
    const { object, problems } = assemble(read(text));
    expect(problems).toEqual([]);
    expect(comparable(object)).toEqual(comparable(gas(text).object!));
  });
});
