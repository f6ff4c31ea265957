import { type Started, startProgram } from './programs.js';

/** A real program that serves HTTP, whatever becomes of it. */
export interface RealServer {
  readonly url: string;
  /** Ends it as a crash would; its files stay. */
  kill(): Promise<void>;
  /** Starts it again with the same arguments; one that still runs is killed. */
  restart(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it is ready.
 * @param options.ready asked again and again; an error is a no.
 * @param options.after done when it has ended for good, or never became ready.
 * @throws Error with what it printed when it is not ready in time.
 */
export async function startRealServer(options: {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly ready: () => Promise<boolean>;
  readonly patienceMs: number;
  readonly after: () => void | Promise<void>;
}): Promise<RealServer> {
  const { name, program, args, url, ready, patienceMs, after } = options;
  let running: Started | undefined;
  const kill = async () => running?.stop('SIGKILL');
  const stop = async () => {
    await kill();
    await after();
  };
  const restart = async () => {
    await kill();
    const started = startProgram(program, args);
    running = started;
    for (const deadline = Date.now() + patienceMs; !(await ready().catch(() => false)); ) {
      if (!started.running() || Date.now() > deadline) {
        await stop();
        throw new Error(`${name} did not become ready:\n${started.output()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await restart();
  return { url, kill, restart, stop };
}

/** Does a GET of this address succeed? */
export const answers = async (url: string): Promise<boolean> => (await fetch(url)).ok;
