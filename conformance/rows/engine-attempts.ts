import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Answered } from '../requests.ts'
import { type Check, row, type Section } from '../row.ts'
import type { CallRecord, Stage } from '../stage.ts'
import { openBlackHole } from './engine-black-hole.ts'
import {
  ask,
  askWhile,
  assertErrorPayload,
  assertServerError,
  assertUnusable,
  callThroughEngine,
  ERROR,
  json,
  messagesOf,
  onlyCallBehind,
  throughEngine,
  withSettings,
} from './engine-under-test.ts'
import { AT } from './tokens.ts'

const NO_ANSWER =
  'Failed to call external endpoint for Pre Issue Access Token action. Failed to execute the action request or maximum retry attempts reached.'

/** The statuses of the answers, and failures without an answer, per attempt. */
function attemptsOf({ details }: CallRecord): unknown[] {
  return details.attempts.map(({ status, failure }: { status?: number; failure?: { code: string } }) =>
    failure ? failure.code : status,
  )
}

/** The extension's host accepts no connections at first. Then it returns this answer, or none. */
function behindBlackHole(reply: object | undefined, judge: (stage: Stage, answered: Answered) => Promise<void>): Check {
  return async stage => {
    const hole = await openBlackHole(reply)
    try {
      await stage.configure(AT, { uri: hole.uri })
      // Less than the second after which the kernel retries.
      await withSettings(stage, { actionConnectTimeoutMs: 900, actionReadTimeoutMs: 1500 }, async token => {
        const asking = token()
        await hole.knocked()
        hole.wake()
        await judge(stage, await asking)
      })
    } finally {
      await hole.close()
    }
  }
}

/**
 * A port of this machine on which nothing listens. An outgoing connection occupies it until `close`, so no other
 * process can use it.
 */
async function openDeafPort(): Promise<{ port: number; close(): void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(client, 'connect')
  return {
    port: client.localPort as number,
    close() {
      client.destroy()
      server.close()
    },
  }
}

/** An answer with this status, which the contract does not have. */
function unexpected(...statuses: number[]): Check {
  return async stage => {
    for (const status of statuses) {
      const asked = await askWhile(stage, { status, type: 'text/plain', body: status === 204 ? '' : 'no' })
      assertUnusable(asked, `Unexpected response received with status code: ${status}.`, { after: 1 })
    }
  }
}

export const attempts: Section = {
  title: 'Attempts',
  rows: [
    row('E51', 'extension redirects 302: not followed; unexpected status error', async stage => {
      const elsewhere = stage.endpoints.extension('/elsewhere')
      let reached = 0
      stage.extension(AT).handle((request, response) => {
        reached++
        request.resume().on('end', () => response.writeHead(302, { location: elsewhere.url }).end())
      })
      const asked = await ask(stage)
      assertUnusable({ ...asked, reached }, 'Unexpected response received with status code: 302.', { after: 1 })
      assert.equal(elsewhere.calls.length, 0)
    }),
    row(
      'E52',
      'connect timeout then 200 SUCCESS: SUCCESS, 2 calls',
      behindBlackHole({ actionStatus: 'SUCCESS' }, async (stage, answered) => {
        assert.equal(answered.status, 200, JSON.stringify(answered.body))
        assert.deepEqual(attemptsOf(await onlyCallBehind(stage, answered)), ['connect_timeout', 200])
      }),
    ),
    row(
      'E53',
      'connect timeout then read timeout: error log `Failed to execute the action request or maximum retry attempts reached.`, 2 calls',
      behindBlackHole(undefined, async (stage, answered) => {
        assertServerError(answered)
        const call = await onlyCallBehind(stage, answered)
        assert.deepEqual(attemptsOf(call), ['connect_timeout', 'deadline'])
        assert(messagesOf(call).includes(NO_ANSWER), messagesOf(call).join('\n'))
      }),
    ),
    row(
      'E54',
      '502 with text body twice: 2 calls, error, log `Failed to execute the action request. Received status code: 502.`',
      async stage => {
        const asked = await askWhile(stage, { status: 502, type: 'text/plain', body: 'bad gateway' })
        assertUnusable(asked, 'Failed to execute the action request. Received status code: 502.', { after: 2 })
      },
    ),
    row(
      'E55',
      '500 with `server_error` text as application/json: 2 calls, log `Unexpected error response received for the status code: 500. Parsing JSON response failed.`',
      async stage => {
        const asked = await askWhile(stage, { status: 500, body: 'server_error' })
        const text = 'Unexpected error response received for the status code: 500. Parsing JSON response failed.'
        assertUnusable(asked, text, { after: 2 })
      },
    ),
    row('E56', '500 with valid ERROR payload: 1 call, ERROR', async stage => {
      assertErrorPayload(await askWhile(stage, json(ERROR, 500)), { after: 1 })
    }),
    row('E57', '503 with valid ERROR payload twice: 2 calls, then ERROR with that payload', async stage => {
      assertErrorPayload(await askWhile(stage, json(ERROR, 503)), { after: 2 })
    }),
    row('E58', '503 then timeout: 2 calls, result of the 503 is used', async stage => {
      let reached = 0
      stage.extension(AT).handle((request, response) => {
        reached++
        request.resume()
        // The second request gets no answer.
        if (reached === 1) response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(ERROR))
      })
      await withSettings(stage, { actionReadTimeoutMs: 1500 }, async token => {
        const answered = await token()
        assertServerError(answered)
        const call = await onlyCallBehind(stage, answered)
        assert.deepEqual(attemptsOf(call), [503, 'deadline'])
        assert.equal(reached, 2)
        assert.match(call.details.error.message, /Some error message - Some error description/)
      })
    }),
    row('E59', 'unknown host / connection refused: 2 attempts', async stage => {
      const deaf = await openDeafPort()
      const endpoints = {
        // A label of 64 characters is not a valid host name, so no DNS query is sent.
        unknown_host: `http://${'a'.repeat(64)}.test/`,
        refused: `http://127.0.0.1:${deaf.port}/`,
      }
      // The threads that check passwords also resolve host names, so a lookup may have to wait.
      const asking = withSettings(stage, { actionConnectTimeoutMs: 30_000 }, async token => {
        for (const [code, uri] of Object.entries(endpoints)) {
          await stage.configure(AT, { uri })
          const answered = await token()
          assertServerError(answered)
          const call = await onlyCallBehind(stage, answered)
          assert.deepEqual(attemptsOf(call), [code, code])
          assert(messagesOf(call).includes(NO_ANSWER))
        }
      })
      await asking.finally(deaf.close)
    }),
    throughEngine(
      row('E60', 'retry_count = 0: 0 calls, error', async stage => {
        const { platform } = stage
        const { outcome, reached } = await callThroughEngine(stage, {
          action: { type: AT },
          platform: { ...platform, calling: { ...platform.calling, attempts: 0 } },
        })
        assert.deepEqual([outcome.status, reached], ['error', 0])
      }),
    ),
    row('E61', '409 text: 1 call, log `Unexpected response received with status code: 409.`', unexpected(409)),
    row('E62', '429 / 404 / 204: 1 call, unexpected status', unexpected(429, 404, 204)),
  ],
}
