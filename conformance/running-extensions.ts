/** The extensions of `extensions/`, each on its own port, with settings as an operator sets them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { getRequestListener } from '@hono/node-server'
import type { Extension } from '@preflow/extension'
import { type RunningServer, serve } from '@preflow/extension/node'
import { readService, type Service } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import { passwordGuard } from '@preflow/password-guard'
import { type RangeStandIn, startRangeStandIn } from '@preflow/password-guard/range-stand-in'
import { createPinAuthenticator, enrol, type PinAuthenticator, readConfiguration } from '@preflow/pin-authenticator'
import { profileGuard } from '@preflow/profile-guard'
import type { Person } from './users.ts'

/** The key with which platforms authenticate. */
export const CALLER_KEY = 'a-key-of-the-platform-for-extensions'

/** How an action or an authenticator authenticates to one of the extensions. */
export const CALLER_AUTHENTICATION = {
  type: 'API_KEY',
  properties: { header: 'x-api-key', value: CALLER_KEY },
} as const

const CALLER_SETTINGS = { caller: 'api-key', callerSecrets: [CALLER_KEY] }

/** A running extension. */
export interface RunningService {
  url: string
  extension: Extension
  close(): Promise<void>
}

/** @param reported Receives the events that the running extension reports. */
async function startService<S extends Settings>(
  service: Service<S>,
  settings: object,
  reported: (event: string) => void = () => undefined,
): Promise<RunningService> {
  const read = readService(service, { environment: {}, file: { ...CALLER_SETTINGS, ...settings } })
  assert(read.ok, read.ok ? '' : read.problems.join('\n'))
  const open = await service.open(read.configuration, { report: (_, { event }) => reported(event) })
  const server: RunningServer = await serve(open.extension, { log: false })
  return {
    url: `${server.url}/`,
    extension: open.extension,
    async close() {
      await server.close()
      await open.close?.()
    },
  }
}

/** password-guard, and the stand-in for Pwned Passwords that it uses. */
export interface RunningPasswordGuard extends RunningService {
  standIn: RangeStandIn
}

/** @param passwords How often each was seen in breaches. */
export async function startPasswordGuard(
  passwords: Record<string, number>,
  settings: object = {},
): Promise<RunningPasswordGuard> {
  const standIn = await startRangeStandIn({ passwords })
  const guard = await startService(passwordGuard, { rangeApiUrl: standIn.url, ...settings })
  return {
    ...guard,
    standIn,
    async close() {
      await guard.close()
      await standIn.close()
    },
  }
}

/** An alert that waits to be sent. */
export interface WaitingAlert {
  recipient: string
  /** The content of the mail. */
  content: { outcome: string; audience: string; changes: { uri: string; kind: string; after?: string[] }[] }
}

/** profile-guard, with access to its alerts before they are sent. */
export interface RunningProfileGuard extends RunningService {
  /** The unsent alerts of the outbox. */
  waiting(): WaitingAlert[]
  /** Resolves when the extension has reported this event. */
  reported(event: string): Promise<void>
}

/** Starts a profile-guard that leaves sending to another instance. */
export async function startProfileGuard(settings: object = {}): Promise<RunningProfileGuard> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-outbox-'))
  const outbox = join(folder, 'outbox.db')
  const told = new Set<string>()
  const awaited = new Map<string, () => void>()
  const guard = await startService(
    profileGuard,
    {
      alertTo: ['security@heron.example'],
      alertFrom: 'alerts@heron.example',
      alertDelivery: 'elsewhere',
      outbox,
      ...settings,
    },
    event => {
      told.add(event)
      awaited.get(event)?.()
    },
  )
  return {
    ...guard,
    waiting() {
      const database = new DatabaseSync(outbox, { timeout: 5000 })
      try {
        const rows = database
          .prepare(`select recipient, content from profile_guard_outbox where state = 'waiting' order by recipient`)
          .all()
        return rows.map(({ recipient, content }) => ({
          recipient: String(recipient),
          content: JSON.parse(String(content)),
        }))
      } finally {
        database.close()
      }
    },
    reported: event =>
      told.has(event) ? Promise.resolve() : new Promise<void>(resolve => awaited.set(event, resolve)),
    async close() {
      await guard.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** pin-authenticator, served at the address that browsers and the platform use. */
export interface RunningPinAuthenticator {
  url: string
  /** Advances the clock of the extension. */
  advance(ms: number): void
  /** Enrols a user with this PIN. */
  givePin(person: Person, pin: string): Promise<void>
  /** Stops the extension and restarts it with the same data at the same address. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts a server on a free port of this machine, and returns its address. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/**
 * @param mode `second_factor` or `internal`.
 * @param platformUrl Where browsers return to.
 * @param settings Other than the defaults.
 */
export async function startPinAuthenticator(
  mode: string,
  platformUrl: string,
  settings: object = {},
): Promise<RunningPinAuthenticator> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-pins-'))
  const http = createServer()
  const url = await listen(http)
  const read = readConfiguration({
    environment: {},
    file: {
      ...CALLER_SETTINGS,
      mode,
      publicUrl: url,
      platformUrls: [platformUrl],
      pepper: randomBytes(32).toString('hex'),
      database: join(folder, 'pins.sqlite'),
      hashCostLog2: 14,
      ...settings,
    },
  })
  assert(read.ok, read.ok ? '' : read.problems.join('\n'))
  let aheadMs = 0
  let authenticator: PinAuthenticator
  let answer: RequestListener
  async function open(): Promise<void> {
    assert(read.ok)
    const ports = { now: () => Date.now() + aheadMs, randomBytes, log: () => undefined }
    authenticator = await createPinAuthenticator(read.configuration, ports)
    answer = getRequestListener(authenticator.fetch, { overrideGlobalObjects: false })
  }
  await open()
  http.on('request', (request, response) => answer(request, response))
  return {
    url,
    advance(ms) {
      aheadMs += ms
    },
    async givePin({ id, userName }, pin) {
      const result = await enrol(id, { pin, username: userName }, authenticator.enrolment)
      assert(result.ok, JSON.stringify(result))
    },
    async restart() {
      await authenticator.close()
      await open()
    },
    async close() {
      http.closeAllConnections()
      await new Promise(resolve => http.close(resolve))
      await authenticator.close()
      await rm(folder, { recursive: true })
    },
  }
}
