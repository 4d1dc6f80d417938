import { describe, expect, it } from 'vitest';
import { browserHost } from '../../host/browser/host.ts';
import type { Host } from '../../host/host.ts';
import { formatProblem } from '../../host/problems.ts';
import { readSettings } from '../../host/settings.ts';

/** A host whose files are a table. */
function hostWith(files: Readonly<Record<string, string>>): Host {
  return {
    ...browserHost(() => Promise.resolve(undefined), '/'),
    files: { read: (path) => (files[path] === undefined ? undefined : new TextEncoder().encode(files[path])) },
  };
}

describe('.mcsafe.json', () => {
  it('is the nearest one above the program, with include paths seen from its folder', () => {
    const host = hostWith({
      '/work/.mcsafe.json': '{ "defines": { "FAR": "1" } }',
      '/work/lib/.mcsafe.json': '{ // the kernel next door\n "includePaths": ["include", "../linux/include", "/usr/include"], "preincludes": ["config.h"], "kernelGeneration": "6.1", "stubs": { "printk": "ret" }, }',
    });
    expect(readSettings('/work/lib/x86/copy.S', host)).toEqual({
      file: '/work/lib/.mcsafe.json',
      settings: { includePaths: ['/work/lib/include', '/work/linux/include', '/usr/include'], preincludes: ['/work/lib/config.h'], defines: {}, kernelGeneration: '6.1', stubs: { printk: 'ret' } },
      problems: [],
    });
    expect(readSettings('/work/other.S', host).settings.defines).toEqual({ FAR: '1' });
    expect(readSettings('/tmp/other.S', host).file).toBeUndefined();
  });

  it('says of every wrong value where it stands', () => {
    const host = hostWith({ '/.mcsafe.json': '{\n  "includePaths": ["a", 5],\n  "defines": { "A": true },\n  "kernelGeneration": "2.4",\n  "includes": []\n}' });
    expect(readSettings('/a.S', host).problems.map(formatProblem)).toMatchInlineSnapshot(`
      [
        "/.mcsafe.json:2:25: error: includePaths.1: Invalid input: expected string, received number [settings-value]",
        "/.mcsafe.json:3:21: error: defines.A: Invalid input: expected string, received boolean [settings-value]",
        "/.mcsafe.json:4:23: error: kernelGeneration: Invalid option: expected one of "6.12"|"6.1"|"5.16"|"5.10"|"4.6"|"4.4" [settings-value]",
        "/.mcsafe.json:5:3: error: .mcsafe.json: Unrecognized key: "includes" [settings-value]",
      ]
    `);
  });

  it('that is no JSON is a problem at its place', () => {
    expect(readSettings('/a.S', hostWith({ '/.mcsafe.json': '{\n  "defines": }' })).problems.map(formatProblem)).toMatchInlineSnapshot(`
      [
        "/.mcsafe.json:2:14: error: not valid JSON: value expected [settings-syntax]",
      ]
    `);
    expect(readSettings('/a.S', hostWith({ '/.mcsafe.json': '' })).problems.map(formatProblem)).toMatchInlineSnapshot(`
      [
        "/.mcsafe.json:1:1: error: not valid JSON: value expected [settings-syntax]",
      ]
    `);
  });
});
