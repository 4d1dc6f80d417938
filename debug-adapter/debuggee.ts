/**
 * The program that was launched: machine, execution, and what the client can look at while it stands still.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { writtenPosition } from '../assembly/source.ts';
import type { Program } from '../host/program.ts';
import type { Delivery } from '../machine/kernel/delivery.ts';
import type { FixupRecord, Machine } from '../machine/machine.ts';
import { Goal } from './breakpoints/goal.ts';
import { errors } from './errors.ts';
import { Execution } from './execution/execution.ts';
import type { ExecutionListener } from './execution/execution.ts';
import { phaseSummary, PHASE_TITLES } from './scopes/phases.ts';
import { References } from './scopes/container.ts';
import { SourceTexts } from './sources.ts';
import { codeFrames } from './stack.ts';
import type { CodeFrame } from './stack.ts';

export type Frame = ({ readonly kind: 'code'; readonly depth: number } & CodeFrame) | { readonly kind: 'exception'; readonly delivery: Delivery };

export class Debuggee {
  readonly program: Program;
  readonly machine: Machine;
  readonly execution: Execution;
  readonly references = new References();
  readonly sources: SourceTexts;
  /** Where the program is to stop first, if the configuration says so. */
  readonly goal: Goal | undefined;
  #frames: ReadonlyMap<number, Frame> | undefined;
  #nextFrame = 1;

  constructor(program: Program, machine: Machine, listener: ExecutionListener) {
    this.program = program;
    this.machine = machine;
    const { historySize } = program.config;
    this.execution = new Execution(machine, listener, historySize === undefined ? {} : { bytes: historySize * 2 ** 20 });
    this.sources = new SourceTexts(program.virtualSources);
    const { stopAt } = machine.scenario;
    this.goal = stopAt === undefined ? undefined : new Goal(stopAt);
  }

  /** The program runs on, or its state was changed: what was looked at holds no longer. */
  forget(): void {
    this.references.clear();
    this.#frames = undefined;
  }

  /** Frames by id, innermost first: the exception in delivery, then the code it interrupted and its callers. */
  get frames(): ReadonlyMap<number, Frame> {
    if (this.#frames === undefined) {
      const code = codeFrames(this.machine).map((frame, depth): Frame => ({ kind: 'code', depth, ...frame }));
      const { exception } = this;
      const all: readonly Frame[] = exception === undefined ? code : [{ kind: 'exception', delivery: exception }, ...code];
      // Below a handler that runs lies the exception it handles, and below that the code that was interrupted.
      const interrupted = this.handling.flatMap((delivery, index): readonly Frame[] => [
        { kind: 'exception', delivery },
        { kind: 'code', depth: code.length + index, ip: delivery.exception.ip, at: delivery.exception.ip },
      ]);
      this.#frames = new Map([...all, ...interrupted].map((frame) => [this.#nextFrame++, frame]));
    }
    return this.#frames;
  }

  frame(id: number): Frame {
    const frame = this.frames.get(id);
    if (frame === undefined) throw errors.unknownFrame(id);
    return frame;
  }

  /** The delivery the program stands in: pending, or the one it did not survive. */
  get exception(): Delivery | undefined {
    const { machine } = this;
    const { ended } = machine;
    if (ended?.reason === 'died' || ended?.reason === 'no-progress') return ended.delivery;
    return machine.delivery;
  }

  /** Deliveries whose handler, a function of the program, is running: the innermost first. */
  get handling(): readonly Delivery[] {
    return this.machine.deliveries.filter((delivery) => delivery.phases.at(-1)?.phase === 'entered').reverse();
  }

  /** The delivery people think of: the one in hand, else that of the last fixup. */
  get lastDelivery(): Delivery | undefined {
    return this.exception ?? this.handling[0] ?? this.lastFixup?.delivery;
  }

  get lastFixup(): FixupRecord | undefined {
    return this.machine.fixups.at(-1);
  }

  /** Where code was written, as the client is told. */
  place(address: bigint): { readonly source: DebugProtocol.Source; readonly line: number; readonly column: number } | undefined {
    const position = this.machine.image.lineAt(address);
    if (position === undefined) return undefined;
    const { file, line, column } = writtenPosition(position);
    return { source: this.sources.source(file), line, column };
  }

  /** A delivery as a text to read. */
  deliveryText(delivery: Delivery): string {
    const lines = delivery.phases.map((phase, index) => `${String(index + 1)}. ${PHASE_TITLES[phase.phase]}: ${phaseSummary(phase, this.machine)}`);
    return `Exception ${String(delivery.sequence)} of this run\n\n${lines.join('\n')}\n`;
  }
}
