import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Operation } from '@preflow/contract'
import {
  type ActionCall,
  createCredentialSource,
  createSend,
  type DiagnosticStep,
  executeAction,
  type OperationVerdict,
  type Outcome,
} from '@preflow/engine'
import type { Configuration } from '@preflow/server'
import type { Answer, Json } from '../extension-under-test.ts'
import { type Answered, basic, type Issued } from '../requests.ts'
import type { Row } from '../row.ts'
import type { CallRecord, Client, Stage } from '../stage.ts'
import { MACHINE_FORM } from './tokens.ts'

/** The result of a token request with an active action. */
interface Asked {
  issued: Issued
  /** The record of the call. */
  call: CallRecord
  /** How often the extension was called. */
  reached: number
}

/** Requests a token as the machine while the extension returns these answers in sequence. The last one repeats. */
export async function askWhile(stage: Stage, ...answers: Answer[]): Promise<Asked> {
  const extension = stage.extension('PRE_ISSUE_ACCESS_TOKEN')
  let given = 0
  extension.answer(() => answers[Math.min(given++, answers.length - 1)] as Answer)
  return ask(stage)
}

/** Requests a token, and reads the record of its only call. */
export async function ask(
  stage: Stage,
  client: Client = stage.machine,
  form: Record<string, string> = MACHINE_FORM,
): Promise<Asked> {
  const { calls } = stage.extension('PRE_ISSUE_ACCESS_TOKEN')
  const before = calls.length
  const issued = await stage.token(client, form)
  return { issued, call: await onlyCallBehind(stage, issued), reached: calls.length - before }
}

export async function onlyCallBehind(stage: Stage, answered: Answered): Promise<CallRecord> {
  const calls = await stage.callsBehind(answered)
  assert.equal(calls.length, 1, JSON.stringify(answered.body))
  return calls[0] as CallRecord
}

/** The extension answers SUCCESS with these operations. Returns the verdict on each. */
export async function askFor(
  stage: Stage,
  operations: Operation[],
  client: Client = stage.machine,
  form: Record<string, string> = MACHINE_FORM,
): Promise<Asked & { verdicts: string[]; event: Json }> {
  const extension = stage.extension('PRE_ISSUE_ACCESS_TOKEN')
  extension.succeed(...operations)
  const asked = await ask(stage, client, form)
  assert.equal(asked.issued.status, 200, JSON.stringify(asked.issued.body))
  return { ...asked, verdicts: verdictsOf(asked.call), event: extension.calls.at(-1)?.body.event }
}

export function verdictsOf({ details }: CallRecord): string[] {
  return details.operations.map(({ verdict }: OperationVerdict) => verdict)
}

export function json(body: unknown, status = 200): Answer {
  return { status, body: JSON.stringify(body) }
}

/** A valid payload of ERROR. */
export const ERROR = {
  actionStatus: 'ERROR',
  errorMessage: 'Some error message',
  errorDescription: 'Some error description',
}

/** What a client gets if an action could not decide. It contains nothing from the extension. */
export function assertServerError({ status, body }: Answered): void {
  assert.equal(status, 500, JSON.stringify(body))
  const { call_id: _, ...told } = body
  assert.deepEqual(told, { error: 'server_error', error_description: 'Internal Server Error.' })
}

/** A rejection by the management API, with status, code and message. */
export function assertRefused(
  { body, status }: Answered,
  ...[expected, code, description, message]: [status: number, code: string, description?: string, message?: string]
): void {
  assert.deepEqual([status, body.code], [expected, code], JSON.stringify(body))
  if (description !== undefined) assert.equal(body.description, description)
  if (message !== undefined) assert.equal(body.message, message)
}

/** The messages of the diagnostic log, in order. */
export function messagesOf({ details }: CallRecord): string[] {
  return details.steps.map(({ resultMessage }: DiagnosticStep) => resultMessage)
}

/** The answer was invalid: the client gets 500, the extension was called this often, and the log has the cause. */
export function assertUnusable(
  { call, issued, reached }: Asked,
  logText: string,
  { after: attempts }: { after: number },
): void {
  assertServerError(issued)
  assert.equal(reached, attempts, 'calls')
  const text = `Failed to call external endpoint for Pre Issue Access Token action. ${logText}`
  assert(messagesOf(call).includes(text), `${text} is not in ${messagesOf(call).join('\n')}`)
  // The message of the extension is not passed on as its own.
  assert.notEqual(call.details.error.code, 'extension_error')
}

/** The extension answered ERROR, and the answer was understood. */
export function assertErrorPayload({ call, issued, reached }: Asked, { after: attempts }: { after: number }): void {
  assertServerError(issued)
  assert.equal(reached, attempts, 'calls')
  assert.equal(call.details.error.code, 'extension_error')
  assert.match(call.details.error.message, /Some error message - Some error description/)
  assert(!messagesOf(call).some(text => text.startsWith('Failed to call external endpoint')))
}

/**
 * Requests a token as the machine with exactly these headers, even duplicate ones, which `fetch` cannot send.
 *
 * @returns The status.
 */
export function askWithRawHeaders({ base, machine }: Stage, ...headers: string[]): Promise<number> {
  const url = new URL(`${base}/oauth2/token`)
  const body = new URLSearchParams(MACHINE_FORM).toString()
  const own = {
    Host: url.host,
    Authorization: basic(machine.clientId, String(machine.clientSecret)),
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(Buffer.byteLength(body)),
  }
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method: 'POST', headers: [...Object.entries(own).flat(), ...headers] },
      response => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    request.on('error', reject).end(body)
  })
}

/** Requests tokens from a server with other settings on the same data: for settings that no action has. */
export async function withSettings(
  stage: Stage,
  settings: Partial<Configuration>,
  use: (token: (form?: Record<string, string>, headers?: Record<string, string>) => Promise<Answered>) => Promise<void>,
): Promise<void> {
  const { machine, server, tenant } = stage
  const { socket, close } = await server.restarted(settings)
  try {
    await use(async (form = {}, headers = {}) => {
      const response = await fetch(`${socket}/t/${tenant.domain}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: basic(machine.clientId, String(machine.clientSecret)), ...headers },
        body: new URLSearchParams({ ...MACHINE_FORM, ...form }),
      })
      return { status: response.status, headers: response.headers, body: await response.json() }
    })
  } finally {
    await close()
  }
}

/** Marks a row that {@link callThroughEngine} tests. */
export function throughEngine(row: Row): Row {
  return { ...row, how: 'tested through the exports of @preflow/engine, over a socket' }
}

/** Marks a row that tests only `disclose` of the engine. */
export function throughDisclose(row: Row): Row {
  return { ...row, how: 'tested through disclose of @preflow/engine' }
}

/** A call as an identity server makes it. */
type EngineCall = Partial<Omit<ActionCall, 'action'>> & {
  action: Pick<ActionCall['action'], 'type'> & Partial<ActionCall['action']>
}

/**
 * Calls the stage's extension through the exports of `@preflow/engine`, over the socket, as an identity server does.
 * For what the running server cannot produce.
 */
export async function callThroughEngine(
  stage: Stage,
  { action, ...call }: EngineCall,
): Promise<{ outcome: Outcome; steps: DiagnosticStep[]; reached: number }> {
  const extension = stage.extension(action.type)
  const before = extension.calls.length
  const steps: DiagnosticStep[] = []
  const send = createSend({ allowedAddresses: ['127.0.0.0/8'] })
  try {
    const outcome = await executeAction(
      {
        action: {
          id: 'action-of-the-row',
          version: 'v1',
          endpoint: { uri: extension.url, authentication: { type: 'NONE' } },
          ...action,
        },
        platform: stage.platform,
        event: { tenant: { id: '1', name: 'acme' } },
        facts: {},
        requestId: randomUUID(),
        ...call,
      },
      {
        send,
        credentials: createCredentialSource({ send, now: Date.now }),
        now: Date.now,
        observe: step => steps.push(step),
      },
    )
    return { outcome, steps, reached: extension.calls.length - before }
  } finally {
    await send.close()
  }
}
