import assert from 'node:assert/strict'
import type { Answer, Endpoint } from '../extension-under-test.ts'
import type { Answered, Issued } from '../requests.ts'
import { type Check, differs, row, type Section } from '../row.ts'
import { CALLBACK, type Stage, USER_SCOPES } from '../stage.ts'
import { assertToken, assertVerdicts, FILTERED, machine, user } from './token-edits.ts'
import { AT, addFrontApplication, called, IDT, issued, land, MACHINE_FORM, named, op, passwordForm } from './tokens.ts'

const ERROR = { actionStatus: 'ERROR', errorMessage: 'broken', errorDescription: 'The store is away.' }
const SUCCESS = { actionStatus: 'SUCCESS' }

function assertClientSees(answered: Answered, status: number, error: string, description: string | undefined): void {
  const { error: code, error_description: words, access_token } = answered.body
  assert.deepEqual([answered.status, code, words, access_token], [status, error, description, undefined])
}

const assertServerError = (answered: Answered) =>
  assertClientSees(answered, 500, 'server_error', 'Internal Server Error.')

/** For every answer of the extension, F-CC gets `server_error` without its message. */
function serverErrorFor(answers: readonly Answer[], calls = 1): Check {
  return async stage => {
    const extension = stage.extension(AT)
    for (const answer of answers) {
      extension.reset()
      extension.answer(() => answer)
      const answered = await machine.issue(stage)
      assertServerError(answered)
      assert(!JSON.stringify(answered.body).includes('store'))
      assert.equal(extension.calls.length, calls)
    }
  }
}

const failed = (failureReason?: string, failureDescription?: string): Answer => ({
  body: { actionStatus: 'FAILED', failureReason, failureDescription },
})

/** A code for F-USER, not yet exchanged. */
async function codeForm(stage: Stage): Promise<Record<string, string>> {
  const landing = await stage.authorize(stage.web, { scope: USER_SCOPES })
  return { grant_type: 'authorization_code', code: landing.searchParams.get('code') ?? '', redirect_uri: CALLBACK }
}

/** The action authenticates with a token from this endpoint. */
async function behindTokenEndpoint(
  stage: Stage,
  endpoint: Endpoint,
  type: 'CLIENT_CREDENTIAL' | 'PASSWORD_CREDENTIAL',
) {
  await stage.configure(AT, {
    authentication: {
      type,
      properties: {
        clientId: 'preflow',
        clientSecret: 'its secret',
        tokenEndpoint: endpoint.url,
        ...(type === 'PASSWORD_CREDENTIAL' ? { username: 'robot', password: 'its password' } : {}),
      },
    },
  })
}

async function refuseIdToken(stage: Stage, description?: string): Promise<Issued> {
  await stage.configure(IDT)
  stage.extension(IDT).refuse('not_you', description)
  return stage.redeem(stage.web, USER_SCOPES)
}

export const failures: Section = {
  title: 'Failure mapping',
  rows: [
    row('T202', 'FAILED "policy deny", "Not today": 400 with both', async stage => {
      stage.extension(AT).refuse('policy deny', 'Not today')
      assertClientSees(await machine.issue(stage), 400, 'policy deny', 'Not today')
    }),
    row('T203', '500 with ERROR: 500 `server_error`', serverErrorFor([{ status: 500, body: ERROR }])),
    row('T204', '400 with ERROR: the same', serverErrorFor([{ status: 400, body: ERROR }])),
    row(
      'T205',
      '401 text/plain: the same',
      serverErrorFor([{ status: 401, type: 'text/plain', body: 'Unauthorized' }]),
    ),
    row(
      'T206',
      'INCOMPLETE with a redirect: the same',
      serverErrorFor([
        { body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://x.test' }] } },
      ]),
    ),
    row('T207', 'FAILED without reason: the same', serverErrorFor([failed()])),
    row('T208', 'FAILED, comma in the description: the same', serverErrorFor([failed('access_denied', 'a, b')])),
    row(
      'T209',
      'FAILED `server_error`, `500`, `Internal_Server_Error`: the same',
      serverErrorFor(['server_error', '500', 'Internal_Server_Error'].map(reason => failed(reason, 'Sorry.'))),
    ),
    row('T210', 'FAILED `invalid_client`: 401 with WWW-Authenticate', async stage => {
      stage.extension(AT).refuse('invalid_client', 'Unknown device')
      const answered = await machine.issue(stage)
      assertClientSees(answered, 401, 'invalid_client', 'Unknown device')
      assert.match(answered.headers.get('www-authenticate') ?? '', /^Basic /)
    }),

    row(
      'T211',
      'AT FAILED without description: 200 without a token',
      differs('a success without a token is useless: 400 with only the reason', async stage => {
        stage.extension(AT).refuse('access_denied')
        assertClientSees(await machine.issue(stage), 400, 'access_denied', undefined)
      }),
    ),

    row(
      'T212',
      'IDT FAILED without description: 400 "Invalid Client"',
      async stage => assertClientSees(await refuseIdToken(stage), 400, 'not_you', 'Invalid Client'),
      differs('the client gets only the reason, because the client is not invalid', async stage =>
        assertClientSees(await refuseIdToken(stage), 400, 'not_you', undefined),
      ),
    ),

    row('T213', '200 with ERROR: 500', serverErrorFor([{ body: ERROR }])),
    row('T214', '200 text/html: 500', serverErrorFor([{ type: 'text/html', body: '<p>hello' }])),
    row('T215', '404: 500 after one call', serverErrorFor([{ status: 404, body: SUCCESS }])),

    row('T216', '503, then SUCCESS: success after two calls', async stage => {
      const extension = stage.extension(AT)
      extension.answer(() =>
        extension.calls.length === 1
          ? { status: 503, body: {} }
          : { body: { ...SUCCESS, operations: [op('+C/-', named('tier', 'gold'))] } },
      )
      assertToken(issued(await machine.issue(stage)), machine, { claims: { tier: 'gold' } })
      assert.equal(extension.calls.length, 2)
    }),

    row('T217', '503 twice: 500', serverErrorFor([{ status: 503, body: {} }], 2)),

    row('T218', 'no answer twice: 500 after about 10 s', async stage => {
      const extension = stage.extension(AT)
      const held: ((answer: Answer) => void)[] = []
      extension.answer(() => new Promise(resolve => held.push(resolve)))
      const startedAt = performance.now()
      assertServerError(await machine.issue(stage))
      const seconds = (performance.now() - startedAt) / 1000
      for (const letGo of held) letGo({ body: SUCCESS })
      assert.equal(extension.calls.length, 2)
      assert(seconds >= 10 && seconds < 15, `${seconds} s`)
    }),

    row(
      'T219',
      'AT FAILED on the code grant, code used again: `invalid_grant`',
      differs('a refusal consumes nothing: the same code can be used again', async stage => {
        const form = await codeForm(stage)
        stage.extension(AT).refuse('access_denied', 'Not now.')
        assertClientSees(await stage.token(stage.web, form), 400, 'access_denied', 'Not now.')
        stage.extension(AT).succeed()
        issued(await stage.token(stage.web, form))
        assert.equal((await stage.token(stage.web, form)).body.error, 'invalid_grant')
      }),
    ),

    row('T220', 'IDT FAILED at code, password and refresh grant: 400 with its reason and description', async stage => {
      const first = issued(await stage.redeem(stage.web, USER_SCOPES))
      await stage.configure(IDT)
      stage.extension(IDT).refuse('not_you', 'Try later.')
      for (const answered of [
        await stage.token(stage.web, await codeForm(stage)),
        await stage.token(stage.web, passwordForm(stage, USER_SCOPES)),
        await stage.refresh(stage.web, first),
      ]) {
        assertClientSees(answered, 400, 'not_you', 'Try later.')
      }
      assert.equal(called(stage).id, 3)
    }),

    row(
      'T221',
      'IDT FAILED or ERROR in the hybrid flow: fragment `server_error`, message of the platform',
      async stage => {
        await stage.configure(IDT)
        const front = await addFrontApplication(stage)
        for (const answer of [failed('not_you', 'Try later.'), { status: 500, body: ERROR }]) {
          stage.extension(IDT).answer(() => answer)
          const fragment = await land(stage, front, 'code id_token')
          assert.deepEqual(
            ['error', 'error_description', 'code', 'id_token'].map(name => fragment.get(name)),
            [
              'server_error',
              'Error occurred when processing the authorization request. Returning an error back to client.',
              null,
              null,
            ],
          )
        }
      },
    ),

    row(
      'T222',
      'CLIENT_CREDENTIAL, token endpoint 401, 500, no JSON, no `access_token`: 500, extension not called',
      async stage => {
        const answers: Answer[] = [
          { status: 401, body: { error: 'invalid_client' } },
          { status: 500, type: 'text/plain', body: 'no' },
          { type: 'text/plain', body: 'token' },
          { body: { token_type: 'Bearer' } },
        ]
        for (const [index, answer] of answers.entries()) {
          const endpoint = stage.endpoints.endpoint(`/token/${index}`)
          endpoint.answer(() => answer)
          await behindTokenEndpoint(stage, endpoint, 'CLIENT_CREDENTIAL')
          assertServerError(await machine.issue(stage))
          assert(endpoint.calls.length >= 1)
          assert.equal(called(stage).access, 0)
        }
      },
    ),

    row('T223', 'PASSWORD_CREDENTIAL: extension called with the Bearer token obtained', async stage => {
      const endpoint = stage.endpoints.endpoint('/token/password')
      endpoint.answer(() => ({ body: { access_token: 'tok-1', token_type: 'Bearer', expires_in: 60 } }))
      await behindTokenEndpoint(stage, endpoint, 'PASSWORD_CREDENTIAL')
      issued(await stage.token(stage.machine, MACHINE_FORM))
      const [asked] = endpoint.calls
      assert.deepEqual(
        [asked?.body.grant_type, asked?.body.username, asked?.body.password],
        ['password', 'robot', 'its password'],
      )
      assert.equal(stage.extension(AT).calls[0]?.headers.authorization, 'Bearer tok-1')
    }),

    row('T224', 'one valid and one filtered operation: the valid one applied', async stage => {
      stage.extension(AT).succeed(op('-C/sub'), op('+C/-', named('tier', 'gold')))
      const answer = issued(await user.issue(stage))
      await assertVerdicts(stage, answer, [FILTERED, 'Claim added.'])
      assertToken(answer, user, { claims: { tier: 'gold' } })
    }),

    row(
      'T225',
      '`"op":"Add"` or `"copy"`: 500',
      serverErrorFor(
        ['Add', 'copy'].map(name => ({
          body: { ...SUCCESS, operations: [{ op: name, path: '/accessToken/claims/-', value: named('tier', 'gold') }] },
        })),
      ),
    ),
  ],
}
