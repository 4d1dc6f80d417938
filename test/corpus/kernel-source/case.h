/* One question to the kernel's fault code, and its answer: what the test writes to the harness and reads back. Little-endian, 8 bytes a field. */
#ifndef CASE_H
#define CASE_H

struct oracle_case {
	unsigned long long status, misc, addr, mcgstatus, cs, bank;
	unsigned long long options;		/* bits: 0 SER_P, 1 in #MC, 2 AMD, 3 overflow recovery, 4 SUCCOR, 5 Skylake-X, 6 LA57, 7 entry exists; 15:8 stepping */
	unsigned long long data;		/* the entry's third word */
	unsigned long long trapnr, error_code, fault_addr;
	unsigned long long fixup;		/* landing pad */
	unsigned long long registers[16];	/* by encoding number */
	unsigned char text[16];			/* the interrupted instruction */
	unsigned char word[16];			/* what lies at ORACLE_DATA */
};

struct oracle_answer {
	unsigned long long severity, kflags, message[8];
	unsigned long long handled;		/* 0 refused, 1 handled, 2 BUG or panic */
	unsigned long long warnings, fpu_resets, fs_cleared;
	unsigned long long ip;
	unsigned long long registers[16];
};

#define ORACLE_TEXT 0x20000000ul
#define ORACLE_DATA 0x30000000ul

#endif
