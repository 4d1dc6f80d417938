/**
 * What the Test Explorer shows of sweeps: a file, its routines with entries, and each of them on each CPU profile, which is what runs.
 */
import { Range, workspace } from 'vscode';
import type { TestController, TestItem, TestRunRequest, TextDocument, Uri } from 'vscode';
import { sweepableRoutines } from '../../host/campaign.ts';
import { CPU_PROFILES } from '../../machine/cpu/profiles.ts';
import { editorHost } from '../editor-host.ts';
import { isAssembly } from '../languages.ts';

/** Sources of a workspace that are offered before they are opened; a kernel tree has a thousand, most without entries. */
const MOST_FILES = 500;
const SOURCES = '**/*.{S,s}';
/** Sources that make entries name a table or a macro for it, unless another macro hides that. */
const HAS_ENTRIES = /extable|__ex_table|__ex_range/i;

export class SweepItems {
  readonly #controller: TestController;

  constructor(controller: TestController) {
    this.#controller = controller;
  }

  /** Finds the routines of a source that is open; of one that does not look as if it had entries only when somebody asks for them. */
  async read(document: TextDocument): Promise<void> {
    if (document.uri.scheme !== 'file' || !isAssembly(document)) return;
    if (this.#controller.items.get(document.uri.toString()) === undefined && !HAS_ENTRIES.test(document.getText())) return;
    const item = this.file(document.uri);
    await this.resolve(item);
    this.#controller.invalidateTestResults(item);
  }

  forget(uri: Uri): void {
    this.#controller.items.delete(uri.toString());
  }

  /** An item for each source of the workspace, up to {@link MOST_FILES}. */
  async findFiles(): Promise<void> {
    for (const uri of await workspace.findFiles(SOURCES, undefined, MOST_FILES)) this.file(uri);
  }

  /** The item of a source, made if there is none. */
  file(uri: Uri): TestItem {
    const id = uri.toString();
    let item = this.#controller.items.get(id);
    if (item === undefined) {
      item = this.#controller.createTestItem(id, workspace.asRelativePath(uri), uri);
      item.canResolveChildren = true;
      this.#controller.items.add(item);
    }
    return item;
  }

  /** The routines of a file's item, and their profiles; a file without any is taken out. */
  async resolve(item: TestItem): Promise<void> {
    if (item.parent !== undefined || item.uri === undefined) return;
    const { uri } = item;
    item.busy = true;
    const routines = await sweepableRoutines(uri.fsPath, {}, editorHost(workspace.workspaceFolders?.[0]?.uri.fsPath)).catch(() => []);
    item.busy = false;
    item.canResolveChildren = false;
    item.children.replace(routines.map(({ name, place }) => {
      const routine = this.#controller.createTestItem(`${item.id}#${name}`, name, uri);
      if (place?.file === uri.fsPath) routine.range = lineRange(place.line);
      routine.children.replace(CPU_PROFILES.map((profile) => {
        const leaf = this.#controller.createTestItem(`${routine.id}#${profile.name}`, profile.name, uri);
        if (routine.range !== undefined) leaf.range = routine.range;
        return leaf;
      }));
      return routine;
    }));
    if (routines.length === 0) this.#controller.items.delete(item.id);
  }

  /** What runs: the profiles below the items asked for, below all if none are. */
  async leaves({ include, exclude = [] }: TestRunRequest): Promise<readonly TestItem[]> {
    const leaves: TestItem[] = [];
    const add = async (item: TestItem): Promise<void> => {
      if (exclude.includes(item)) return;
      if (item.canResolveChildren) await this.resolve(item);
      if (item.parent?.parent !== undefined) leaves.push(item);
      for (const child of children(item)) await add(child);
    };
    for (const item of include ?? childrenOf(this.#controller.items)) await add(item);
    return leaves;
  }
}

/** The items below an item. */
export function children({ children: items }: TestItem): readonly TestItem[] {
  return childrenOf(items);
}

function childrenOf(items: TestItem['children']): readonly TestItem[] {
  return [...items].map(([, item]) => item);
}

/** The whole line, counted from 1. */
export function lineRange(line: number): Range {
  return new Range(line - 1, 0, line - 1, 1000);
}
