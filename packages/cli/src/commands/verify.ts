import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { contractRevision, platforms, present } from '@preflow/contract'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import type { Target } from '../events/action-call.ts'
import { actionTypeNamed, platformNamed } from '../events/named.ts'
import { jsonWithoutSecrets, readTarget, withoutSecrets } from '../events/target.ts'
import { createPaint } from '../verify/paint.ts'
import { jsonReport } from '../verify/report/json.ts'
import { junitReport } from '../verify/report/junit.ts'
import { summaryOf } from '../verify/report/summary.ts'
import { textReport } from '../verify/report/text.ts'
import { type VerificationResult, verify } from '../verify/verify.ts'

/** `preflow verify`: checks any extension, in any language, against the contract. */
export async function runVerify(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: commands.verify.options,
  })
  const [url, ...surplus] = positionals
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: unexpected argument.`)
  const { auth, sign } = values
  const target = readTarget({ url, auth, sign }, io.env)
  const chosen = [...new Set(values.platform ?? Object.keys(platforms))].map(name =>
    platformNamed(name, values.timeout),
  )
  const types = values.type?.map(word => {
    const type = actionTypeNamed(word)
    if (chosen.every(platform => contractRevision(platform, type) === undefined)) {
      throw new UsageError(`No selected platform has ${type} actions.`)
    }
    return type
  })
  const encryptionKey = values.certificate === undefined ? undefined : await readKey(values.certificate)
  const progress = createProgress(io)
  const result = await verify({
    target,
    platforms: chosen,
    signal: io.signal,
    onAnswer: progress.show,
    isVerification: values.verification,
    ...present({ types: types && [...new Set(types)], encryptionKey }),
  }).finally(progress.clear)
  io.out(
    values.json
      ? jsonWithoutSecrets(jsonReport(result), target)
      : withoutSecrets(textReport(result, createPaint(io), io.columns), target),
  )
  if (values.junit !== undefined) await writeJunit(values.junit, result, values.strict, target)
  return result.isPassed && !(values.strict && summaryOf(result).advised > 0) ? 0 : 1
}

/** Runs after the report, so that an error here does not lose the report. */
async function writeJunit(file: string, result: VerificationResult, isStrict: boolean, target: Target): Promise<void> {
  const xml = junitReport(result, isStrict, text => withoutSecrets(text, target))
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, xml)
  } catch (error) {
    throw new Error(`--junit ${file}: cannot be written (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}

/** The public key of a certificate, or a bare public key. */
async function readKey(path: string): Promise<KeyObject> {
  let key: KeyObject
  try {
    key = createPublicKey(await readFile(path, 'utf8'))
  } catch (error) {
    const { code = '' } = error as { code?: string }
    throw new UsageError(
      code.startsWith('ERR_') ? `${path}: contains no certificate in PEM.` : `${path}: cannot be read (${code}).`,
    )
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw new UsageError(`${path}: contains no RSA key. Platforms encrypt only with RSA.`)
  return key
}

/** One line on a terminal that shows the progress; nothing in a pipe. */
function createProgress({ isTTY, err }: Pick<Io, 'isTTY' | 'err'>): { show(answers: number): void; clear(): void } {
  return {
    show: answers => {
      if (isTTY) err(`\r${answers} answers …`)
    },
    clear: () => {
      if (isTTY) err('\r\u001b[K')
    },
  }
}
