import { EnvironmentError, EXIT, type ExitCode } from '../base/errors.js';
import type { Verdict } from '../judge/types.js';
import { runVerdict } from '../judge/verdict.js';
import type { RunEvent } from '../release/events.js';
import { StageFold } from './stageFold.js';
import type { EventOf, RunModel, StageModel } from './types.js';

/** The model of a whole journal. @throws EnvironmentError when it does not begin with run-started */
export function foldRun(events: Iterable<RunEvent>): RunModel {
  const fold = new RunFold();
  for (const event of events) fold.push(event);
  return fold.model;
}

/** The model event by event, for live views and for the exit code of the run itself. */
export class RunFold {
  #facts: RunModel['facts'] | undefined;
  readonly #stages = new Map<string, StageFold>();
  #startedAt = 0;
  #lastAt = 0;
  #finished = false;
  #load: RunModel['load'];
  #loadStarted: EventOf<'load-started'> | undefined;
  #seeded: RunModel['seeded'];
  #interrupted: RunModel['interrupted'];
  #failure: RunModel['failure'];
  #restored: RunModel['restored'];
  #generator: RunModel['generator'];
  #cutLine: RunModel['cutLine'];
  readonly #unreachable: { vantagePoint: string; reason: string }[] = [];

  /** @throws EnvironmentError when the first event is not run-started, or a stage is unknown */
  push(event: RunEvent): void {
    if (event.type === 'run-started') {
      this.#start(event);
      return;
    }
    if (!this.#facts) throw new EnvironmentError('E_JOURNAL', `the first event is ${event.type}, not run-started`);
    this.#lastAt = event.at;
    switch (event.type) {
      case 'unreachable':
        this.#unreachable.push({ vantagePoint: event.vantagePoint, reason: event.reason });
        return;
      case 'seeded':
        this.#seeded = { variables: event.variables, created: event.created };
        return;
      case 'load-started':
        this.#loadStarted = event;
        return;
      case 'load-finished':
        this.#load = event.summary;
        this.#generator = event.summary.generator;
        return;
      case 'interrupted':
        this.#interrupted ??= event.signal;
        return;
      case 'failed':
        // The first failure is the reason, later ones follow from it.
        this.#failure ??= { code: event.code, message: event.message, hint: event.hint, exitCode: event.exitCode };
        return;
      case 'restored':
        this.#restored = { objects: event.objects, kept: event.kept };
        return;
      case 'journal-cut':
        this.#cutLine = event.line;
        return;
      case 'run-finished':
        this.#finished = true;
        return;
      default:
        if (event.type === 'look' || event.type === 'soak-look') this.#generator = event.generator;
        this.#stageFold(event.stage).push(event);
    }
  }

  #start(event: EventOf<'run-started'>): void {
    const { type: _type, seq: _seq, at, ...facts } = event;
    this.#facts = facts;
    this.#startedAt = at;
    this.#lastAt = at;
    for (const name of facts.stages) {
      const stage = facts.scenario.stages.find((candidate) => candidate.name === name);
      if (!stage)
        throw new EnvironmentError('E_JOURNAL', `run-started names stage ${name}, the scenario has none such`);
      this.#stages.set(name, new StageFold(facts.scenario, stage));
    }
  }

  #stageFold(name: string): StageFold {
    const stage = this.#stages.get(name);
    if (!stage) throw new EnvironmentError('E_JOURNAL', `an event names stage ${name}, which the run does not walk`);
    return stage;
  }

  get model(): RunModel {
    if (!this.#facts) throw new EnvironmentError('E_JOURNAL', 'no run-started event yet');
    const base = {
      facts: this.#facts,
      startedAt: this.#startedAt,
      lastAt: this.#lastAt,
      finished: this.#finished,
      stages: [...this.#stages.values()].map((stage) => stage.model),
      uris: this.#loadStarted?.uris ?? [],
      mixedIn: this.#loadStarted?.mixedIn ?? [],
      unreachable: [...this.#unreachable],
      seeded: this.#seeded,
      load: this.#load,
      generator: this.#generator,
      cutLine: this.#cutLine,
      interrupted: this.#interrupted,
      failure: this.#failure,
      restored: this.#restored,
    };
    const verdict = verdictOf(base);
    return { ...base, verdict, exitCode: exitCodeOf(base, verdict), headline: headlineOf(base, verdict) };
  }
}

type Undecided = Omit<RunModel, 'verdict' | 'exitCode' | 'headline'>;

/** The judge's verdict over the stages; a pass only when the run came to its end. */
function verdictOf(run: Undecided): Verdict {
  const { verdict } = runVerdict(
    run.stages.map((stage) => stage.verdict),
    { generatorValid: run.generator?.valid !== false, interrupted: run.interrupted ?? false },
  );
  return verdict === 'pass' && (!run.finished || run.failure) ? 'inconclusive' : verdict;
}

function exitCodeOf(run: Undecided, verdict: Verdict): ExitCode {
  if (run.interrupted) return run.interrupted === 'SIGINT' ? EXIT.sigint : EXIT.sigterm;
  if (run.failure) return known(run.failure.exitCode);
  if (!run.finished) return EXIT.environment;
  if (verdict === 'fail') return EXIT.fail;
  // A cluster that is not what it was must not look like success.
  if (leftBehind(run).length > 0) return EXIT.environment;
  return verdict === 'pass' ? EXIT.pass : EXIT.inconclusive;
}

const known = (code: number): ExitCode => Object.values(EXIT).find((value) => value === code) ?? EXIT.environment;

/** Objects that could not be put back. */
export const leftBehind = (run: Pick<RunModel, 'restored'>) =>
  (run.restored?.objects ?? []).filter(({ result }) => result === 'failed');

function headlineOf(run: Undecided, verdict: Verdict): string {
  const walked = run.stages.filter((stage) => stage.phase !== 'not-reached');
  const current = walked.at(-1);
  if (run.cutLine !== undefined)
    return `The journal is cut in the middle of line ${run.cutLine}${current ? `, in stage ${current.name}` : ''}: what came after it is missing.`;
  if (run.interrupted)
    return `Interrupted by ${run.interrupted}${current ? ` in stage ${current.name}` : ' before the first stage'}.`;
  if (run.failure) return sentence(run.failure.message);
  if (!run.finished) return `The journal breaks off${current ? ` in stage ${current.name}` : ''}: the run was killed.`;
  const bad = run.stages.find((stage) => stage.verdict === verdict);
  if (verdict !== 'pass' && bad) return `Stage ${bad.name}: ${stageReason(bad)}`;
  if (run.generator?.valid === false) return sentence(run.generator.reason ?? 'The load generator was the bottleneck');
  const left = leftBehind(run);
  if (left.length > 0) return `${left.length} changed objects could not be put back.`;
  return run.stages.length === 1
    ? 'The stage keeps its promise.'
    : `All ${run.stages.length} stages keep their promises.`;
}

/** One sentence: why a stage has its verdict; the reason of its first required check that has the same one. */
export function stageReason(stage: StageModel): string {
  if (stage.phase === 'not-reached') return 'Not reached.';
  const { assessment, verdict } = stage;
  if (!assessment) return verdict === 'no-data' ? 'No vantage point was read.' : 'Ended before its counting window.';
  const check = assessment.checks.find((one) => one.required && one.verdict === verdict);
  if (check) return sentence(check.reason);
  if (stage.generator?.valid === false)
    return sentence(stage.generator.reason ?? 'The load generator was the bottleneck');
  return 'No required check decided.';
}

function sentence(text: string): string {
  // A word is capitalised, a name such as v2 is not.
  const trimmed = text.trim().replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase());
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
