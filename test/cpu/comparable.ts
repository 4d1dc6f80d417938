/** What two CPUs that ran the same program must have in common. */
import type { CpuExit } from '../../machine/cpu/cpu.ts';
import type { WasmCpu } from '../../machine/cpu/wasm-cpu.ts';

/** How the run ended, registers, flags, counted time, and the given memory. */
export function comparable(cpu: WasmCpu, exit: CpuExit, ...areas: readonly (readonly [address: bigint, size: number])[]): unknown {
  return {
    exit: JSON.stringify(exit, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value)),
    registers: Array.from({ length: 16 }, (_, i) => cpu.registers.get(i).toString(16)),
    rip: cpu.registers.rip.toString(16), rflags: cpu.registers.rflags.toString(16), instructions: cpu.instructions,
    memory: areas.map(([address, size]) => Buffer.from(cpu.memory.read(address, size)).toString('base64')),
  };
}
