// Debian builds the WebAssembly compiler-rt with the stack protector, whose two symbols wasi-libc
// lacks: whoever links an archive member of it must bring them.
extern "C" {
extern unsigned long __stack_chk_guard;
unsigned long __stack_chk_guard = 0x00000aff;
[[noreturn]] void __stack_chk_fail();
void __stack_chk_fail() {
  __builtin_trap();
}
}
