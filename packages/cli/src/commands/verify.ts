import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { platforms } from '@preflow/contract'
import { type Command, type Io, UsageError } from '../command.ts'
import type { Target } from '../events/action-call.ts'
import { actionTypeNamed, platformNamed, typeNames } from '../events/named.ts'
import {
  jsonWithoutSecrets,
  readTarget,
  TARGET_ENVIRONMENT_HELP,
  TARGET_OPTIONS_HELP,
  targetOptions,
  withoutSecrets,
} from '../events/target.ts'
import { createPaint } from '../verify/paint.ts'
import { jsonReport } from '../verify/report/json.ts'
import { junitReport } from '../verify/report/junit.ts'
import { summaryOf } from '../verify/report/summary.ts'
import { textReport } from '../verify/report/text.ts'
import { verify as runVerification, type VerificationResult } from '../verify/verify.ts'

/** `preflow verify`: the contract against any extension, in any language. */
export const verify: Command = {
  name: 'verify',
  summary: 'Check that an extension keeps the contract, and say what each platform would do with its answers.',
  usage: `Usage: preflow verify <url> [options]

Asks an extension about everything that happens on platforms, as each of them sends it, and then about what none would send:
broken requests, wrong credentials, many at once. Says what is wrong, why it matters, how to mend it, and what each platform
makes of the answers. Requests are real: run it against a test instance.

  --type T               an action type: ${typeNames.join(', ')};
                         may be repeated; default those it turns out to decide
  --platform NAME        a platform that counts: ${Object.keys(platforms).join(', ')};
                         may be repeated; default all
${TARGET_OPTIONS_HELP}  --certificate FILE     PEM certificate of the action: passwords are encrypted to it as well
  --timeout MS           longest time for an answer; default that of the platforms
  --strict               advice counts as failure
  --json                 write one JSON document instead of the report
  --junit FILE           also write JUnit XML

${TARGET_ENVIRONMENT_HELP}NODE_EXTRA_CA_CERTS names a PEM file with certificates that are trusted as well, for an instance with one of your own.
Exit code: 0 the contract is kept, 1 it is not, 2 the words are off.
`,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        ...targetOptions,
        type: { type: 'string', multiple: true },
        platform: { type: 'string', multiple: true },
        certificate: { type: 'string' },
        timeout: { type: 'string' },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        junit: { type: 'string' },
      },
    })
    const [url, ...surplus] = positionals
    if (surplus.length > 0) throw new UsageError(`${surplus[0]}: is one word too many.`)
    const { auth, sign } = values
    const target = readTarget({ url, auth, sign }, io.env)
    const chosen = [...new Set(values.platform ?? Object.keys(platforms))].map(name =>
      platformNamed(name, values.timeout),
    )
    const types = values.type?.map(word => {
      const type = actionTypeNamed(word)
      if (chosen.every(({ revisions }) => revisions[type] === undefined)) {
        throw new UsageError(`No chosen platform has ${type} actions.`)
      }
      return type
    })
    const encryptionKey = values.certificate === undefined ? undefined : await readKey(values.certificate)
    const progress = createProgress(io)
    const result = await runVerification({
      target,
      platforms: chosen,
      signal: io.signal,
      onAnswer: progress.show,
      ...(types && { types: [...new Set(types)] }),
      ...(encryptionKey && { encryptionKey }),
    }).finally(progress.clear)
    io.out(
      values.json
        ? jsonWithoutSecrets(jsonReport(result), target)
        : withoutSecrets(textReport(result, createPaint(io), io.columns), target),
    )
    if (values.junit !== undefined) await writeJunit(values.junit, result, values.strict, target)
    return result.isPassed && !(values.strict && summaryOf(result).advised > 0) ? 0 : 1
  },
}

/** After the report, which is not to be lost when this cannot be written. */
async function writeJunit(file: string, result: VerificationResult, isStrict: boolean, target: Target): Promise<void> {
  const xml = junitReport(result, isStrict, text => withoutSecrets(text, target))
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, xml)
  } catch (error) {
    throw new Error(`--junit ${file}: cannot be written (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}

/** The public key of a certificate, or a public key by itself. */
async function readKey(path: string): Promise<KeyObject> {
  let key: KeyObject
  try {
    key = createPublicKey(await readFile(path, 'utf8'))
  } catch (error) {
    const { code = '' } = error as { code?: string }
    throw new UsageError(
      code.startsWith('ERR_') ? `${path}: holds no certificate in PEM.` : `${path}: cannot be read (${code}).`,
    )
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw new UsageError(`${path}: has no RSA key, and platforms encrypt to RSA only.`)
  return key
}

/** One line that changes, for a person who waits; nothing in a pipe. */
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
