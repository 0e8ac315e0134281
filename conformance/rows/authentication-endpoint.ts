import assert from 'node:assert/strict'
import type { EndpointAuthentication } from '@preflow/contract'
import { basic } from '../requests.ts'
import { type Check, notApplicable, row, type Section } from '../row.ts'
import { addDoor, addDoorWithSignIn, addSignIn, answers, begin, PASSWORD_PAGE, redeemed, sendAway } from './doors.ts'

const CLIENT = { clientId: 'door-client', clientSecret: 'secret of the client', scopes: 'doors' }

/** The credentials are exchanged for a token with this form, and the extension gets the token. */
function withToken(
  authenticationAt: (tokenEndpoint: string) => EndpointAuthentication,
  form: Record<string, string>,
): Check {
  return async stage => {
    const provider = stage.endpoints.endpoint('/provider-of-doors')
    provider.answer(() => ({ body: { access_token: 'token-of-the-door', token_type: 'Bearer', expires_in: 3600 } }))
    const { application, extension } = await addDoorWithSignIn(stage, {
      endpoint: { authentication: authenticationAt(provider.url) },
    })
    extension.answer(() => answers.identified(stage.user))
    await redeemed(stage, application, (await begin(stage, application)).page)
    const [asked, ...more] = provider.calls
    assert.equal(more.length, 0)
    assert.deepEqual(asked?.body, { ...form, scope: CLIENT.scopes })
    assert.equal(asked?.headers.authorization, basic(CLIENT.clientId, CLIENT.clientSecret))
    assert.equal(extension.calls[0]?.headers.authorization, 'Bearer token-of-the-door')
  }
}

export const credentials: Section = {
  title: 'Credentials of the platform, sign-out, choices',
  rows: [
    row(
      'AU-30',
      'endpoint with CLIENT_CREDENTIAL: the token endpoint gets grant_type=client_credentials without username and password, and Basic of the client; the extension gets the Bearer token',
      withToken(tokenEndpoint => ({ type: 'CLIENT_CREDENTIAL', properties: { ...CLIENT, tokenEndpoint } }), {
        grant_type: 'client_credentials',
      }),
    ),
    row(
      'AU-31',
      'endpoint with PASSWORD_CREDENTIAL: the token endpoint gets grant_type=password with username and password; the extension gets the Bearer token',
      withToken(
        tokenEndpoint => ({
          type: 'PASSWORD_CREDENTIAL',
          properties: { ...CLIENT, tokenEndpoint, username: 'robot', password: 'secret of the robot' },
        }),
        { grant_type: 'password', username: 'robot', password: 'secret of the robot' },
      ),
    ),
    row('AU-32', 'sign-out: the extension is not called', async stage => {
      const door = await addDoorWithSignIn(stage)
      const { browser, back } = await sendAway(stage, door)
      door.extension.answer(() => answers.identified(stage.user))
      await redeemed(stage, door.application, await browser.open(back))
      door.extension.calls.length = 0
      const page = await browser.open(`${stage.base}/oidc/logout`)
      assert.match((await browser.submit(page, { logout: 'yes' })).html, /You are signed out/)
      assert.equal(door.extension.calls.length, 0)
    }),
    row(
      'AU-33',
      'app-native sign-in: INTERNAL_PROMPT with endpointUrl and state; SUCCESS_COMPLETED after the client posted the flow',
      notApplicable('app-native sign-in is missing: users sign in with a browser'),
    ),
    row('AU-34', 'two authenticators in one step: the extension is called only after the choice', async stage => {
      const { name, extension } = await addDoor(stage)
      extension.answer(() => answers.identified(stage.user))
      const application = await addSignIn(stage, [PASSWORD_PAGE, name])
      const { browser, page } = await begin(stage, application)
      assert.equal(extension.calls.length, 0)
      await browser.submit(page, { authenticator: PASSWORD_PAGE })
      assert.equal(extension.calls.length, 0)
      await browser.submit(page, { authenticator: name })
      assert.equal(extension.calls.length, 0, 'the page of the step calls it')
    }),
  ],
}
