/**
 * launch, configurationDone, restart: from a configuration to a program standing at its first instruction.
 */
import { BreakpointEvent, Event, ExitedEvent, InitializedEvent, OutputEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as z from 'zod/mini';
import { writtenPosition } from '../../assembly/source.ts';
import type { Problem } from '../../assembly/source.ts';
import { loadProgram } from '../../host/program.ts';
import { formatProblem } from '../../host/problems.ts';
import type { Delivery } from '../../machine/kernel/delivery.ts';
import { createMachine } from '../../machine/create.ts';
import { parseLaunchConfig } from '../../machine/scenario/schema.ts';
import type { LaunchConfig } from '../../machine/scenario/schema.ts';
import { momentOf } from '../../machine/timeline/moment.ts';
import type { Adapter } from '../adapter.ts';
import { GOAL } from '../breakpoints/goal.ts';
import type { Goal } from '../breakpoints/goal.ts';
import { Debuggee } from '../debuggee.ts';
import { endText, reportEnd } from '../end-text.ts';
import { errors } from '../errors.ts';
import { stopsOnDelivery } from '../exception-filters.ts';
import type { ExecutionListener } from '../execution/execution.ts';
import { ContinuePlan } from '../execution/plan.ts';
import { fixupLine, reportFixup } from '../fixup-report.ts';
import { defineRequest, noArguments } from '../request.ts';
import { phaseSummary } from '../scopes/phases.ts';
import { stoppedEvent } from '../stopped-event.ts';
import { toClient } from './breakpoints.ts';

export const launchRequests = [
  defineRequest({
    command: 'launch',
    arguments: noArguments,
    handle: async (adapter, args) => {
      adapter.checkLaunch();
      adapter.noDebug = isNoDebug(args);
      await load(adapter, readConfig(args));
      adapter.send(new InitializedEvent());
    },
  }),
  defineRequest({
    command: 'configurationDone',
    capabilities: { supportsConfigurationDoneRequest: true },
    arguments: noArguments,
    handle: (adapter) => {
      const { execution } = adapter.debuggee('configurationDone');
      if (execution.running || execution.cause !== undefined) return;
      adapter.defer(() => { begin(adapter); });
    },
  }),
  defineRequest({
    command: 'restart',
    capabilities: { supportsRestartRequest: true },
    arguments: z.object({ arguments: z.optional(z.unknown()) }),
    handle: async (adapter, args) => {
      const before = adapter.debuggee('restart');
      // The sources are read again: whoever restarts has usually changed them.
      await load(adapter, args.arguments === undefined ? before.program.config : readConfig(args.arguments));
      adapter.defer(() => { begin(adapter); });
    },
  }),
];

/** "Run Without Debugging": straight to the end, whatever breakpoints there are. */
function isNoDebug(args: unknown): boolean {
  return typeof args === 'object' && args !== null && 'noDebug' in args && args.noDebug === true;
}

function readConfig(value: unknown): LaunchConfig {
  const parsed = parseLaunchConfig(value);
  if (!parsed.ok) throw errors.badConfiguration(parsed.problems);
  return parsed.config;
}

/** Loads and makes the machine; the session keeps what it had if that fails. */
async function load(adapter: Adapter, config: LaunchConfig): Promise<void> {
  const loaded = await loadProgram(config, adapter.host, adapter.baseFolder);
  if (!loaded.ok) {
    printProblems(adapter, loaded.problems);
    throw errors.programFailed(loaded);
  }
  const { program } = loaded;
  const created = createMachine({ config: program.config, image: program.image, directives: program.directives, program: program.main });
  if (!created.ok) {
    printProblems(adapter, [...program.problems, ...created.problems]);
    throw errors.programFailed(created);
  }
  const { machine } = created;
  printProblems(adapter, [...program.problems, ...created.problems]);
  const listener = listen(adapter, () => debuggee);
  const debuggee = new Debuggee(program, machine, listener);
  adapter.launch(debuggee);
  for (const breakpoint of adapter.breakpoints.load(machine.image)) {
    adapter.send(new BreakpointEvent('changed', toClient(adapter, breakpoint)));
  }
  debuggee.execution.breakpointsChanged();
  describeScenario(adapter, debuggee);
}

function printProblems(adapter: Adapter, problems: readonly Problem[]): void {
  for (const problem of problems) {
    const { file, line } = writtenPosition(problem.range.start);
    adapter.print(formatProblem(problem), problem.severity === 'error' ? 'stderr' : 'console', { path: file, line });
  }
}

/** Says what is run, and what of it was assumed. */
function describeScenario(adapter: Adapter, { machine, program }: Debuggee): void {
  const { scenario } = machine;
  adapter.print(`${scenario.entry.name}: kernel ${scenario.kernelGeneration}, CPU ${scenario.cpu.name}`);
  for (const assumption of scenario.assumptions) adapter.print(`assumed: ${assumption}`);
  const { companion } = program;
  if (companion !== undefined) adapter.print(`assumed: ${companion.path} belongs to it: it lies beside it and defines ${companion.names.join(', ')}`);
  for (const { name, size, address } of scenario.buffers) adapter.print(`${name}: ${String(size)} bytes at 0x${address.toString(16)}`);
  for (const { text, size } of scenario.poison) adapter.print(`poison: ${String(size)} bytes at ${text}`);
  if (program.stubs.length > 0) adapter.print(`stubs stand for: ${program.stubs.join(', ')}`);
  if (program.config.encoder === 'gcc') adapter.print('encoded by gcc -c on the original file');
}

/** Runs from the first instruction, or stops there if that is wanted. */
function begin(adapter: Adapter): void {
  const { machine, execution, program } = adapter.debuggee('launch');
  const address = machine.registers.rip;
  if (adapter.noDebug) {
    execution.start(new ContinuePlan());
    return;
  }
  if (program.config.stopOnEntry === true) {
    execution.stopAtEntry({ kind: 'entry' });
    return;
  }
  // A breakpoint on the first instruction does not stop the run that starts on it.
  const breakpoints = breakpointsAt(adapter, adapter.debuggee('launch'), address);
  if (breakpoints.length > 0) execution.stopAtEntry({ kind: 'breakpoint', address, breakpoints });
  else execution.start(new ContinuePlan());
}

/** Ids of what stops the program before the instruction at `address`: breakpoints, and the configuration's own place. */
function breakpointsAt(adapter: Adapter, { goal, machine }: Debuggee, address: bigint): readonly number[] {
  const hit = adapter.breakpoints.hit(address, machine, (text) => { adapter.print(text); });
  if (goal?.arrived(address, momentOf(machine)) !== true) return hit;
  tellGoal(adapter, goal);
  return [GOAL, ...hit];
}

/** Whether the configuration's own place is the delivery of this exception. */
function isGoal(adapter: Adapter, { goal }: Debuggee, delivery: Delivery): boolean {
  if (goal?.delivered(delivery) !== true) return false;
  tellGoal(adapter, goal);
  return true;
}

function tellGoal(adapter: Adapter, { why }: Goal): void {
  if (why !== '') adapter.print(why, 'important');
}

/** What the adapter does about what the execution meets. */
function listen(adapter: Adapter, self: () => Debuggee): ExecutionListener {
  return {
    stopsOnDelivery: (delivery) => !adapter.noDebug && (isGoal(adapter, self(), delivery) || (self().goal?.pending !== true && stopsOnDelivery(adapter.filters, delivery))),
    stopsOnFixup: () => !adapter.noDebug && self().goal?.pending !== true && adapter.filters.has('fixup'),
    // Anything but a return is worth a look at the state it left; whether an unhandled exception is, the user says.
    stopsOnEnd: (stop) => !adapter.noDebug && stop.reason !== 'returned' && (stop.reason !== 'died' || adapter.filters.has('unhandled')),
    userBreakpoints: () => {
      if (adapter.noDebug) return [];
      const address = self().goal?.address;
      return [...adapter.breakpoints.addresses(), ...address === undefined ? [] : [address]];
    },
    userWatches: () => (adapter.noDebug ? [] : adapter.breakpoints.areas()),
    touched: (access) => adapter.breakpoints.touched(access, self().machine, (text) => { adapter.print(text); }),
    wouldTouch: (access) => adapter.breakpoints.wouldTouch(access, self().machine),
    hit: (address) => breakpointsAt(adapter, self(), address),
    wouldHit: (address) => adapter.breakpoints.wouldHit(address, self().machine),
    onFixup: (fixup) => {
      const { machine, program } = self();
      if (program.config.trace === true) tracePhases(adapter, self(), fixup.delivery);
      const report = reportFixup(fixup, machine);
      const event: DebugProtocol.Event = new Event('mcsafe/fixup', report);
      adapter.send(event);
      adapter.print(fixupLine(report), 'console', report.from.path === undefined ? undefined : { path: report.from.path, line: report.from.line! });
    },
    onDelivery: () => undefined,
    onStopped: (cause) => {
      self().forget();
      adapter.send(stoppedEvent(cause, self().machine));
    },
    onEnded: (stop) => {
      const debuggee = self();
      if (stop.reason === 'died' && debuggee.program.config.trace === true) tracePhases(adapter, debuggee, stop.delivery);
      const ended: DebugProtocol.Event = new Event('mcsafe/ended', reportEnd(stop, debuggee.machine));
      adapter.send(ended);
      adapter.send(new OutputEvent(`${endText(stop, debuggee.machine)}\n`, stop.reason === 'returned' ? 'console' : 'important'));
      adapter.send(new ExitedEvent(stop.reason === 'returned' ? 0 : 1));
      adapter.tellTerminated();
    },
  };
}

function tracePhases(adapter: Adapter, { machine }: Debuggee, delivery: Parameters<ExecutionListener['onDelivery']>[0]): void {
  for (const phase of delivery.phases) adapter.print(`exception ${String(delivery.sequence)}, ${phase.phase}: ${phaseSummary(phase, machine)}`);
}

