// The oracle's tests once more, with so many cases that they take an hour or two: 5,000 a `Code`, 100,000 sequences of each kind,
// 50 million random instructions, a million calls of the samples as user programs. The variables can be set to other numbers.
process.env['MCSAFE_ORACLE_CASES'] ??= '5000';
process.env['MCSAFE_ORACLE_SEQUENCES'] ??= '100000';
process.env['MCSAFE_RANDOM_INSTRUCTIONS'] ??= '50000000';
process.env['MCSAFE_USER_CASES'] ??= '1000000';

await import('../oracle/instructions.test.ts');
await import('../oracle/kvm/ring0.test.ts');
await import('../oracle/sequences.test.ts');
await import('../oracle/random-bytes.test.ts');
await import('../oracle/user-program.test.ts');

export {};
