// The licences of the packages whose code is in the bundles: most of them ask to be passed on with it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One text with the licence of every package that esbuild's metafiles name as an input. Throws if a package has none. */
export function thirdPartyNotices(root, metafiles) {
  const folders = new Set(metafiles.flatMap(({ inputs }) => Object.keys(inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [])));
  const notices = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e(\.(md|txt))?$/i.test(one));
    if (file === undefined && license === undefined) throw new Error(`${folder} says nothing of its licence`);
    const text = file !== undefined && existsSync(join(root, folder, file)) ? readFileSync(join(root, folder, file), 'utf8').trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return `mcsafe contains the packages below.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
