/**
 * A call into C while access to user memory is open: what is called may be traced or preempted, and whoever runs then has it open too.
 */
import type { RoutineCheck } from './check.ts';
import { at, say } from './marks.ts';

/** Functions written to run with AC set: objtool (kernel 6.1 and 6.12, tools/objtool/check.c) lets them be called so. */
const MAY_RUN_OPEN = /^(copy_mc_(fragile|fragile_handle_tail|enhanced_fast_string)|rep_(movs|stos)_alternative|__?(copy_user_nocache|clear_user_\w+)|clear_user_\w+|copy_user_\w+|csum_partial_copy_generic|__memset|memset|__memcpy|memcpy|__x86_indirect_\w+|__x86_return_thunk|ftrace_likely_update|mcsafe_handle_tail|__(asan|tsan|msan|kasan|kcsan|ubsan|sanitizer)_\w+)$/;

export const callWithAc: RoutineCheck = {
  codes: ['call-with-ac'],
  severity: 'warning',
  inRoutine: ({ code, paths }) => [...paths?.flow.places ?? []].flatMap(({ node, state }) => {
    const step = code.step(node);
    if (step?.external !== true || state.ac !== 'set' || step.callee === undefined || MAY_RUN_OPEN.test(step.callee)) return [];
    if (step.ending === 'return' || (step.ending === undefined && step.instruction.flow !== 'call') || code.site(node) === undefined) return [];
    return [{
      code: 'call-with-ac', at: at(node),
      message: say`${step.callee} is called with access to user memory open (AC set): close it with clac first, or call only what is meant to run so`,
    }];
  }),
};
