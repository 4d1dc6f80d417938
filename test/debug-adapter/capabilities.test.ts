import { expect, it } from 'vitest';
import { TestClient } from './client.ts';

it('announces exactly what it handles', async () => {
  expect(await new TestClient().ask('initialize', { adapterID: 'mcsafe' })).toMatchInlineSnapshot(`
    {
      "exceptionBreakpointFilters": [
        {
          "default": true,
          "description": "Stops when a machine check is delivered, before anything handles it.",
          "filter": "machineCheck",
          "label": "Machine check delivered",
        },
        {
          "default": true,
          "description": "Stops when nobody takes an exception: the kernel oopses or panics.",
          "filter": "unhandled",
          "label": "Unhandled exception",
        },
        {
          "default": true,
          "description": "Stops at the landing pad after every fixup.",
          "filter": "fixup",
          "label": "Fixup executed",
        },
        {
          "default": false,
          "description": "Stops when a page fault is delivered, before anything handles it.",
          "filter": "pageFault",
          "label": "Page fault delivered",
        },
      ],
      "supportsBreakpointLocationsRequest": true,
      "supportsCompletionsRequest": true,
      "supportsConditionalBreakpoints": true,
      "supportsConfigurationDoneRequest": true,
      "supportsDataBreakpointBytes": true,
      "supportsDataBreakpoints": true,
      "supportsDelayedStackTraceLoading": true,
      "supportsDisassembleRequest": true,
      "supportsEvaluateForHovers": true,
      "supportsExceptionInfoRequest": true,
      "supportsFunctionBreakpoints": true,
      "supportsHitConditionalBreakpoints": true,
      "supportsInstructionBreakpoints": true,
      "supportsLogPoints": true,
      "supportsReadMemoryRequest": true,
      "supportsRestartRequest": true,
      "supportsSetExpression": true,
      "supportsSetVariable": true,
      "supportsStepBack": true,
      "supportsSteppingGranularity": true,
      "supportsTerminateRequest": true,
      "supportsWriteMemoryRequest": true,
    }
  `);
});
