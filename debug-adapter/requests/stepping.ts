/**
 * continue, next, stepIn, stepOut, pause; stepBack, reverseContinue.
 */
import * as z from 'zod/mini';
import { THREAD_ID } from '../adapter.ts';
import type { Adapter } from '../adapter.ts';
import type { Debuggee } from '../debuggee.ts';
import { errors } from '../errors.ts';
import { ContinuePlan, HandlerPlan, StepOutPlan, StepPlan } from '../execution/plan.ts';
import type { Granularity, Plan } from '../execution/plan.ts';
import { defineRequest, threadArguments, wholeNumber } from '../request.ts';

const stepArguments = z.object({ threadId: wholeNumber, granularity: z.optional(z.string()) });

export const stepRequests = [
  defineRequest({
    command: 'continue',
    arguments: threadArguments,
    handle: (adapter, { threadId }) => {
      run(adapter, 'continue', threadId, () => new ContinuePlan());
      return { allThreadsContinued: true };
    },
  }),
  defineRequest({
    command: 'next',
    capabilities: { supportsSteppingGranularity: true },
    arguments: stepArguments,
    handle: (adapter, { threadId, granularity }) => { run(adapter, 'next', threadId, ({ machine }) => new StepPlan(machine, granularityOf(granularity), true)); },
  }),
  defineRequest({
    command: 'stepIn',
    arguments: stepArguments,
    handle: (adapter, { threadId, granularity }) => { run(adapter, 'stepIn', threadId, ({ machine }) => new StepPlan(machine, granularityOf(granularity), false)); },
  }),
  defineRequest({
    command: 'stepOut',
    arguments: stepArguments,
    handle: (adapter, { threadId }) => {
      run(adapter, 'stepOut', threadId, (debuggee) => {
        const caller = [...debuggee.frames.values()].find((frame) => frame.kind === 'code' && frame.depth === 1 && frame.slot !== undefined);
        const [handled] = debuggee.handling;
        // Out of a handler: to where it lets the routine go on.
        if (caller === undefined && handled !== undefined) return new HandlerPlan(handled);
        return new StepOutPlan(caller?.kind === 'code' && caller.slot !== undefined ? { address: caller.ip, slot: caller.slot } : undefined);
      });
    },
  }),
  defineRequest({
    command: 'stepBack',
    capabilities: { supportsStepBack: true },
    arguments: stepArguments,
    handle: (adapter, { threadId, granularity }) => {
      runBack(adapter, 'stepBack', threadId, granularityOf(granularity));
    },
  }),
  defineRequest({
    command: 'reverseContinue',
    arguments: threadArguments,
    handle: (adapter, { threadId }) => {
      runBack(adapter, 'reverseContinue', threadId, 'continue');
    },
  }),
  defineRequest({
    command: 'pause',
    arguments: threadArguments,
    handle: (adapter, { threadId }) => {
      if (threadId !== THREAD_ID) throw errors.unknownThread(threadId);
      adapter.debuggee('pause').execution.pause();
    },
  }),
];

/** Statements are lines here: each line of assembly is one. */
function granularityOf(asked: string | undefined): Granularity {
  return asked === 'instruction' ? 'instruction' : 'line';
}

/** The program, which must have been started, stand still and not be over. */
function standing(adapter: Adapter, command: string, threadId: number): Debuggee {
  const debuggee = adapter.stopped(command);
  if (threadId !== THREAD_ID) throw errors.unknownThread(threadId);
  if (debuggee.execution.cause === undefined) throw errors.notLaunched(command);
  if (debuggee.execution.finished) throw errors.ended(command);
  return debuggee;
}

function run(adapter: Adapter, command: string, threadId: number, plan: (debuggee: Debuggee) => Plan): void {
  const debuggee = standing(adapter, command, threadId);
  const chosen = plan(debuggee);
  debuggee.forget();
  debuggee.execution.start(chosen);
}

function runBack(adapter: Adapter, command: string, threadId: number, goal: Granularity | 'continue'): void {
  const debuggee = standing(adapter, command, threadId);
  if (debuggee.execution.atStart) throw errors.noStepBack();
  debuggee.forget();
  debuggee.execution.startBack(goal);
}
