/** Repeats an assertion until it holds; after `ms` its last failure is thrown. */
export async function eventually(check: () => void | Promise<void>, ms = 8000): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
