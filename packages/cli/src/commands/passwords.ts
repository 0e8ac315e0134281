import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { present } from '@preflow/contract'
import {
  type BuildProgress,
  buildCorpus,
  type Corpus,
  type CorpusKind,
  type DigestKind,
  openCorpus,
} from '@preflow/corpus'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'

/** `preflow passwords`: builds and checks corpora of breached passwords for password-guard. */
export async function runPasswords(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.passwords.options,
  })
  const [task = '', path, ...more] = positionals
  const perform = Object.hasOwn(tasks, task) ? tasks[task] : undefined
  if (!perform) throw new UsageError('Unknown argument. Use build or check.')
  if (path === undefined || more.length > 0) throw new UsageError(`${task} needs one path.`)
  return await perform(path, values, io)
}

type Options = { out?: string; kind: string; digest?: string; 'min-count': string; partial: boolean; json: boolean }

const tasks: Record<string, (path: string, options: Options, io: Io) => Promise<number>> = {
  async build(source, options, io) {
    const { out, digest } = options
    if (out === undefined) throw new UsageError('--out is missing. Name the file of the corpus: --out <file>.')
    const minimumCount = Number(options['min-count'])
    if (!Number.isInteger(minimumCount) || minimumCount < 1) {
      throw new UsageError('--min-count must be a whole number, at least 1.')
    }
    await checkOut(source, out)
    const progress = createProgress(io)
    try {
      const summary = await buildCorpus({
        source,
        out,
        kind: oneOf<CorpusKind>('--kind', options.kind, ['file', 'filter']),
        ...present({
          digest: digest === undefined ? undefined : oneOf<DigestKind>('--digest', digest, ['sha1', 'sha256']),
        }),
        minimumCount,
        mayBePartial: options.partial,
        signal: io.signal,
        onProgress: progress.show,
      })
      progress.end()
      if (summary.resumed) io.err('Resumed an interrupted build.\n')
    } catch (error) {
      progress.end()
      if (io.signal.aborted) io.err('Run the same command again to continue.\n')
      throw (error as NodeJS.ErrnoException).code === 'ENOSPC'
        ? new Error(`${resolve(out, '..')} is full. Free some space and run the same command again to continue.`, {
            cause: error,
          })
        : error
    }
    const corpus = await openCorpus(out, { verify: 'header' })
    io.out(options.json ? asJson(out, corpus) : describe(out, corpus))
    await corpus.close()
    io.err(`Use it: PASSWORD_GUARD_CORPORA=${resolve(out)}\n`)
    return 0
  },

  async check(path, { json }, io) {
    const corpus = await openCorpus(path)
    io.out(json ? asJson(path, corpus) : describe(path, corpus))
    await corpus.close()
    return 0
  },
}

/** A build takes hours. So reject an unusable target, or a target that is the source, before it starts. */
async function checkOut(source: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([source, out].map(path => stat(path).catch(() => undefined)))
  if (to?.isDirectory())
    throw new UsageError(`--out ${out}: is a folder. Name a file, for example ${out}/breached.corpus.`)
  if (from && to && from.dev === to.dev && from.ino === to.ino) {
    throw new UsageError(`--out ${out}: is the source itself, and the build would overwrite it. Name another file.`)
  }
}

function oneOf<Choice extends string>(name: string, value: string, choices: readonly Choice[]): Choice {
  const chosen = choices.find(choice => choice === value)
  if (chosen === undefined) throw new UsageError(`${name} must be ${choices.join(' or ')}.`)
  return chosen
}

const number = new Intl.NumberFormat('en')

function describe(path: string, corpus: Corpus): string {
  const { kind, digest, keys, minimumCount, sourceDateMs, falsePositiveRate } = corpus
  const seen = minimumCount > 1 ? `, seen ${number.format(minimumCount)} times or more` : ''
  return `${path}
  ${number.format(keys)} passwords by ${digest}${seen}, as a ${kind}
  source of ${new Date(sourceDateMs).toISOString().slice(0, 10)}
  false positives: one in ${number.format(Math.round(1 / falsePositiveRate))} lookups; false negatives: none
`
}

function asJson(path: string, { kind, digest, keys, minimumCount, sourceDateMs, falsePositiveRate }: Corpus): string {
  const sourceDate = new Date(sourceDateMs).toISOString()
  return `${JSON.stringify({ path, kind, digest, keys, minimumCount, sourceDate, falsePositiveRate })}\n`
}

const STEPS: Record<BuildProgress['step'], string> = {
  sorting: 'Sorting ',
  writing: 'Writing ',
  checking: 'Checking',
}
const BAR_WIDTH = 30
const REDRAW_MS = 100

/** A bar that updates in place on a terminal; elsewhere a line for every tenth of each step. */
function createProgress(io: Io): { show(progress: BuildProgress): void; end(): void } {
  let step: BuildProgress['step'] | undefined
  let startedAt = 0
  let startedFrom = 0
  let drawnAt = 0
  let tenth = -1
  let isOpen = false
  const end = () => {
    if (isOpen) io.err('\n')
    isOpen = false
  }
  return {
    end,
    show: ({ step: now, done, total, keys }) => {
      const at = performance.now()
      const share = total === 0 ? 1 : Math.min(1, done / total)
      if (now !== step) {
        end()
        step = now
        startedAt = at
        startedFrom = share
        drawnAt = 0
        tenth = -1
      }
      const percent = `${Math.floor(share * 100)} %`.padStart(5)
      const found = keys > 0 ? `  ${number.format(keys)} passwords` : ''
      if (!io.isTTY) {
        if (Math.floor(share * 10) === tenth) return
        tenth = Math.floor(share * 10)
        io.err(`${STEPS[now]} ${percent}${found}\n`)
        return
      }
      if (share < 1 && at - drawnAt < REDRAW_MS) return
      drawnAt = at
      isOpen = true
      const full = Math.round(share * BAR_WIDTH)
      const bar = '#'.repeat(full) + '-'.repeat(BAR_WIDTH - full)
      io.err(`\r${STEPS[now]} [${bar}] ${percent}${found}${timeLeft(share, startedFrom, at - startedAt)}\x1b[K`)
    },
  }
}

/** Estimated from the speed of this step so far. A resumed step does not start at 0. */
function timeLeft(share: number, startedFrom: number, elapsedMs: number): string {
  if (share >= 1 || share <= startedFrom || elapsedMs < 2000) return ''
  const seconds = Math.round(((elapsedMs / (share - startedFrom)) * (1 - share)) / 1000)
  return seconds < 90 ? `  ${seconds} s left` : `  ${Math.round(seconds / 60)} min left`
}
