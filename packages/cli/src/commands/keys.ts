import { randomBytes, randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createLog, type KeyManagement, openKeyManagement, readConfiguration } from '@preflow/server'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'

interface Arguments {
  kid: string | undefined
  tenant: string | undefined
  yes: boolean
}

/** What a verb does. Its result is written as JSON, or as `show` writes it. */
interface Verb {
  /** Whether the verb takes the id of a key. */
  takesKid?: true
  run(keys: KeyManagement, given: Arguments, io: Io): Promise<{ result: unknown; text: string }>
}

/** `preflow keys`: manages keys directly in the database. */
export async function runKeys(argv: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({ args: argv, allowPositionals: true, options: commands.keys.options })
  const [name = 'list', kid, ...others] = positionals
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (!verb) throw new UsageError(`Unknown argument ${name}. Use ${Object.keys(verbs).join(', ')}.`)
  if (others.length > 0 || (kid !== undefined) !== (verb.takesKid === true)) {
    throw new UsageError(verb.takesKid ? `${name} needs the id of one key.` : `${name} takes no further argument.`)
  }
  const given = { kid, tenant: values.tenant, yes: values.yes }
  if (verb.takesKid && !given.yes) {
    throw new UsageError(`${name} signs out everybody in the tenant of the key. Add --yes to confirm.`)
  }
  const keys = await openKeyManagement(readConfiguration(io.env), {
    now: Date.now,
    newId: randomUUID,
    randomBytes,
    log: createLog('warn', { write: () => true }),
  })
  try {
    const { result, text } = await verb.run(keys, given, io)
    io.out(values.json ? `${JSON.stringify(result)}\n` : text)
    return 0
  } finally {
    await keys.close()
  }
}

const verbs: Readonly<Record<string, Verb>> = {
  list: {
    async run(keys, { tenant }) {
      const result = await keys.list(tenant)
      const lines = result.map(key => {
        const until = key.expiresAt === undefined ? '' : `  published until ${key.expiresAt}`
        return `${key.state.padEnd(8)}  ${key.kid.padEnd(24)}  ${key.tenant}  signs from ${key.activeFrom}${until}`
      })
      return { result, text: lines.length === 0 ? 'There are no keys yet. A server makes them.\n' : joined(lines) }
    },
  },
  rotate: {
    async run(keys, { tenant }) {
      const result = await keys.rotate(tenant)
      const lines = result.map(key => `${key.kid}  ${key.tenant}  replaces ${key.replaced} from ${key.activeFrom}`)
      return { result, text: lines.length === 0 ? 'Every active key has a successor already.\n' : joined(lines) }
    },
  },
  retire: {
    takesKid: true,
    async run(keys, { kid = '' }) {
      const result = await keys.retire(kid)
      if (!result) throw new Error(`There is no key ${kid}. Run \`preflow keys list\` to list them.`)
      const instead = result.successor === undefined ? '' : ` ${result.successor} signs instead.`
      const text = `${kid} is withdrawn, and every session and token of ${result.tenant} has ended.${instead}\n`
      return { result, text }
    },
  },
  sealing: {
    async run(keys) {
      const result = await keys.sealing()
      const others = Object.entries(result.others).map(([id, count]) => `${id}  sealed ${count} values; needed`)
      return { result, text: joined([`${result.current}  seals`, ...others]) }
    },
  },
  reseal: {
    async run(keys, _given, io) {
      const { others } = await keys.sealing()
      const total = Object.values(others).reduce((sum, count) => sum + count, 0)
      const done = await keys.reseal(({ column, count, table }) => {
        // A batch has 200.
        if (count % PROGRESS_EVERY === 0) io.err(`${table}.${column}: ${count} values\n`)
      })
      const count = done.reduce((sum, one) => sum + one.count, 0)
      const { current, others: left } = await keys.sealing()
      const what = `${count} of ${Math.max(total, count)} values are sealed with ${current} now.`
      const next =
        Object.keys(left).length === 0
          ? 'Older keys are not needed any more.'
          : 'Run it again: a server still seals with an older key.'
      return { result: { current, count, left, columns: done }, text: `${what} ${next}\n` }
    },
  },
}

const PROGRESS_EVERY = 10_000

function joined(lines: readonly string[]): string {
  return lines.map(line => `${line}\n`).join('')
}
