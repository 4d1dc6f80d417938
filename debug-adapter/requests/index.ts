/**
 * All requests the adapter answers. A new family is a new file and one line here.
 */
import type { RequestHandler } from '../request.ts';
import { breakpointRequests } from './breakpoints.ts';
import { dataBreakpointRequests } from './data-breakpoints.ts';
import { disassembleRequests } from './disassemble.ts';
import { evaluateRequests } from './evaluate.ts';
import { exceptionRequests } from './exceptions.ts';
import { initializeRequest } from './initialize.ts';
import { launchRequests } from './launch.ts';
import { lifecycleRequests } from './lifecycle.ts';
import { memoryRequests } from './memory.ts';
import { sourceRequests } from './source.ts';
import { stackRequests } from './stack.ts';
import { stepRequests } from './stepping.ts';
import { variableRequests } from './variables.ts';

const families: readonly RequestHandler[] = [
  ...launchRequests, ...lifecycleRequests, ...breakpointRequests, ...dataBreakpointRequests, ...exceptionRequests, ...stepRequests, ...stackRequests,
  ...variableRequests, ...evaluateRequests, ...memoryRequests, ...disassembleRequests, ...sourceRequests,
];

export const REQUESTS: readonly RequestHandler[] = [initializeRequest(families), ...families];
