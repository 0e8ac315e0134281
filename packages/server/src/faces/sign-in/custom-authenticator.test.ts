import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { PlatformName } from '@preflow/contract'
import { decodeJwt } from 'jose'
import { errors } from 'oidc-provider'
import * as client from 'openid-client'
import {
  addApplication,
  addAuthenticator,
  addOrganization,
  answers,
  authorizeUrl,
  begin,
  enterPassword,
  forward,
  lastCall,
  setSteps,
  told,
} from '../../authenticators.fixture.ts'
import { CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { deleteUser, updateUser } from '../../ground/store/users.ts'
import {
  type Answer,
  type Extension,
  onEachDatabase,
  type ReceivedCall,
  startExtension,
  startWorld,
  type World,
} from '../../world.fixture.ts'

const DOOR = 'custom-door-code'
const SECOND = 'custom-second-factor'
const BASIC = 'BasicAuthenticator'
const PAGE = 'https://door.example/entry?h=0f9c'

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let user: User
  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    extension = await startExtension()
    user = await world.addUser()
    await addAuthenticator(world, DOOR, extension)
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  test('AU-05, AU-06: a standard client signs a user in through the page of an extension', async () => {
    const application = await addApplication(world, [DOOR])
    const configuration = await client.discovery(
      new URL(`${world.base}/oauth2/token`),
      application.clientId,
      application.clientSecret,
      undefined,
      { execute: [client.allowInsecureRequests] },
    )
    const verifier = client.randomPKCECodeVerifier()
    const authorization = client.buildAuthorizationUrl(configuration, {
      redirect_uri: CALLBACK,
      scope: 'openid profile',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })

    extension.answer(() => answers.redirect(PAGE))
    const browser = openBrowser(world.server.address)
    const away = await browser.open(authorization.href)
    assert.equal(away.url, `${PAGE}&spId=${application.id}`)
    const { flowId } = extension.calls[0]?.body ?? {}
    assert.match(flowId, /^[0-9a-f]{32}$/)

    extension.answer(() => answers.identified(user))
    const landing = await browser.open(`${world.base}/commonauth?flowId=${flowId}`)
    const tokens = await client.authorizationCodeGrant(configuration, new URL(landing.url), {
      pkceCodeVerifier: verifier,
    })
    assert.equal(tokens.claims()?.sub, user.id)
    assert.equal(tokens.claims()?.['given_name'], 'Mira')
    assert.deepEqual(tokens.claims()?.['amr'], [DOOR])
    assert.equal(decodeJwt(tokens.access_token).sub, user.id)
    assert.deepEqual(
      extension.calls.map(({ body }) => body.flowId),
      [flowId, flowId],
    )
  })

  for (const [title, early, late] of [
    ['a success', 'success', 'failure'],
    ['a failure', 'failure', 'success'],
    ['a success', 'success', 'success'],
  ] as const) {
    test(`of two concurrent requests of a browser ${title} that comes first holds, whatever follows`, async () => {
      const decisions = { success: () => answers.identified(user), failure: () => answers.failed('flow_expired') }
      // Before any redirect, because only one of the returning requests calls the extension.
      const application = await addApplication(world, [DOOR, BASIC])
      const { browser, page: choice } = await begin(world, application)
      const chosen = await browser.submit(choice, { authenticator: DOOR })

      const held = Promise.withResolvers<Answer>()
      const arrived = Promise.withResolvers<void>()
      const inOrder: (() => Answer | Promise<Answer>)[] = [
        () => {
          arrived.resolve()
          return held.promise
        },
        decisions[early],
      ]
      extension.answer(() => (inOrder.shift() as () => Answer)())
      const slow = forward(browser, chosen)
      await arrived.promise
      const fast = told(await forward(browser, chosen))
      assert.equal(fast['error'] ?? 'none', early === 'success' ? 'none' : 'flow_expired')
      held.resolve(decisions[late]())
      const page = await slow
      assert.equal(page.status, 400, page.url)
      assert.match(page.html, /already finished/)
    })
  }
})

describe('on one database', () => {
  let world: World
  let extension: Extension
  let user: User
  let application: Application
  before(async () => {
    world = await startWorld({ limits: ['sign-in=off'] })
    extension = await startExtension()
    user = await world.addUser({
      claims: {
        'http://wso2.org/claims/givenname': 'Mira',
        'http://wso2.org/claims/mobileNumbers': ['+4670000001'],
      },
    })
    const endpoint = {
      uri: extension.url,
      authentication: { type: 'NONE' as const },
      allowedHeaders: ['x-door'],
      allowedParameters: ['door'],
    }
    await addAuthenticator(world, DOOR, extension, { endpoint, displayName: 'Door code' })
    await addAuthenticator(world, SECOND, extension, { endpoint, authenticationType: 'VERIFICATION' })
    application = await addApplication(world, [DOOR])
  })
  beforeEach(() => {
    extension.calls.length = 0
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  /** A sign-in that the extension redirected. */
  async function sentAway(of = application, more: Record<string, string> = {}) {
    extension.answer(() => answers.redirect(PAGE))
    const { browser, page } = await begin(world, of, { more })
    assert.ok(page.url.startsWith('https://door.example/'), page.html)
    const flowId: string = extension.calls.at(-1)?.body.flowId
    return { browser, page, flowId, back: `${world.base}/commonauth?flowId=${flowId}` }
  }

  /** The application's response if the extension answers so at once. */
  async function toldAfter(how: (call: ReceivedCall) => Answer, of = application) {
    extension.answer(how)
    return told((await begin(world, of)).page)
  }

  describe('the event', () => {
    test('AU-01: in the first step has the application and the place, and no user', async () => {
      await sentAway()
      const { body, headers } = extension.calls[0] as ReceivedCall
      const { flowId, requestId, ...rest } = body
      assert.match(requestId, /^[0-9a-f-]{36}$/)
      assert.equal(headers['x-wso2-api-version'], 'v1')
      assert.notEqual(flowId, requestId)
      const { tenant, organization } = world
      assert.deepEqual(rest, {
        actionType: 'AUTHENTICATION',
        event: {
          request: {},
          tenant: { id: tenant.id, name: tenant.domain },
          organization: { id: organization.id, name: 'Acme', orgHandle: organization.handle, depth: 0 },
          application: { id: application.id, name: application.name },
          currentStepIndex: 1,
        },
        allowedOperations: [{ op: 'redirect' }],
      })
    })

    test('AU-02, AU-03: has the listed headers and parameters of the authorization request in every call', async () => {
      extension.answer(() => answers.redirect(PAGE))
      const browser = openBrowser(world.server.address)
      const url = `${world.base}/oauth2/authorize?${new URLSearchParams({
        client_id: application.clientId,
        redirect_uri: CALLBACK,
        response_type: 'code',
        scope: 'openid',
        door: '7_north',
        secretive: 'not listed',
      })}`
      await browser.open(url)
      const { flowId } = extension.calls[0]?.body ?? {}
      await browser.open(`${world.base}/commonauth?flowId=${flowId}&door=8_south`)
      for (const { body } of extension.calls) {
        assert.deepEqual(body.event.request, { additionalParams: [{ name: 'door', value: ['7_north'] }] })
      }
      assert.equal(extension.calls.length, 2)
    })

    test('has the listed headers of the browser', async () => {
      extension.answer(() => answers.redirect(PAGE))
      await fetch(authorizeUrl(application, world.base), {
        redirect: 'manual',
        headers: { 'x-door': 'north', 'x-other': 'not listed', cookie: 'a=b' },
      }).then(async response => {
        const cookie = response.headers
          .getSetCookie()
          .map(text => text.split(';')[0])
          .join('; ')
        await fetch(new URL(response.headers.get('location') ?? '', world.server.address), {
          redirect: 'manual',
          headers: { cookie },
        })
      })
      assert.deepEqual(extension.calls[0]?.body.event.request, {
        additionalHeaders: [{ name: 'x-door', value: ['north'] }],
      })
    })

    test('AU-26: in a later step has the user and the passed steps', async () => {
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      extension.answer(() => answers.redirect(PAGE))
      const { browser, page } = await begin(world, twoSteps)
      assert.equal(extension.calls.length, 0)
      const entered = await enterPassword(browser, page, user)
      await forward(browser, entered)
      const { event } = extension.calls[0]?.body ?? {}
      const { claims, ...rest } = event.user
      assert.deepEqual(rest, { id: user.id, userIdentitySource: 'LOCAL', sub: user.userName, groups: ['staff', 'eu'] })
      const byUri = Object.fromEntries(claims.map(({ uri, value }: { uri: string; value: unknown }) => [uri, value]))
      assert.equal(byUri['http://wso2.org/claims/givenname'], 'Mira')
      assert.deepEqual(byUri['http://wso2.org/claims/mobileNumbers'], ['+4670000001'])
      assert.deepEqual(event.userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
      assert.equal(event.currentStepIndex, 2)
      assert.deepEqual(event.authenticatedSteps, [{ index: 1, name: BASIC }])
    })
  })

  describe('a redirect', () => {
    test('AU-04: redirects the browser with the application in spId, unless the url has one', async () => {
      for (const [url, expected] of [
        ['https://door.example/entry', `https://door.example/entry?spId=${application.id}`],
        ['https://door.example/e?a=%20b#top', `https://door.example/e?a=%20b&spId=${application.id}#top`],
        ['https://door.example/e?spId=own', 'https://door.example/e?spId=own'],
      ] as const) {
        extension.answer(() => answers.redirect(url))
        assert.equal((await begin(world, application)).page.url, expected)
      }
    })

    test('AU-07: may follow another redirect any number of times, with one flow id and without a user', async () => {
      const { browser, back, flowId } = await sentAway()
      for (const round of [1, 2, 3]) {
        extension.answer(() => answers.redirect(`https://door.example/round/${round}`))
        assert.match((await browser.open(back)).url, new RegExp(`/round/${round}\\?spId=`))
      }
      extension.answer(() => answers.identified(user))
      assert.equal(typeof told(await browser.open(back))['code'], 'string')
      assert.equal(extension.calls.length, 5)
      assert(extension.calls.every(({ body }) => body.flowId === flowId))
    })

    test('the browser returns to /commonauth below the tenant, at the root, or below the organization’s id alone', async () => {
      const { server, tenant, organization } = world
      for (const place of [
        `/t/${tenant.domain}`,
        '',
        `/o/${organization.id}`,
        `/t/${tenant.domain}/o/${organization.id}`,
      ]) {
        const { browser, flowId } = await sentAway()
        extension.answer(() => answers.identified(user))
        const landing = await browser.open(`${server.address}${place}/commonauth?flowId=${flowId}`)
        assert.equal(typeof told(landing)['code'], 'string', place)
      }
    })

    test('AU-32: signing out calls no extension', async () => {
      const { browser, back } = await sentAway()
      extension.answer(() => answers.identified(user))
      await browser.open(back)
      extension.calls.length = 0
      const asked = await browser.open(`${world.base}/oidc/logout`)
      assert.match((await browser.submit(asked, { logout: 'yes' })).html, /You are signed out/)
      assert.equal(extension.calls.length, 0)
    })

    test('OR-13: an organization calls its own authenticator and signs in its own users', async () => {
      const branch = await addOrganization(world)
      const own = await startExtension()
      try {
        await addAuthenticator(world, DOOR, own, {}, branch)
        const base = `${world.base}/o/${branch.id}`
        const colleague = await world.addUser({ organizationId: branch.id })
        own.answer(() => answers.redirect(PAGE))
        const { browser } = await begin(world, application, { base })
        assert.equal(extension.calls.length, 0)
        const { event, flowId } = own.calls[0]?.body ?? {}
        assert.deepEqual([event.organization.id, event.organization.depth], [branch.id, 1])
        assert.equal(event.tenant.name, world.tenant.domain)
        own.answer(() => answers.identified(colleague))
        const landing = await browser.open(`${world.server.address}/o/${branch.id}/commonauth?flowId=${flowId}`)
        assert.equal(typeof told(landing)['code'], 'string')

        own.answer(() => answers.identified(user))
        const stranger = told((await begin(world, application, { base })).page)
        assert.equal(stranger['error'], 'authentication_processing_error')
        assert.equal((await lastCall(world)).reason, `No user is found for the given userId: ${user.id}`)
      } finally {
        await own.close()
      }
    })

    test('an organization without its own authenticator calls the tenant’s', async () => {
      const branch = await addOrganization(world)
      extension.answer(() => answers.redirect(PAGE))
      await begin(world, application, { base: `${world.base}/o/${branch.id}` })
      assert.equal(extension.calls[0]?.body.event.organization.id, branch.id)
    })
  })

  describe('INCOMPLETE', () => {
    for (const [row, title, operations, why] of [
      ['AU-08', 'without operations', undefined, /^operations: is missing/],
      ['AU-08', 'with null', null, /^operations: is missing/],
      ['AU-08', 'with none', [], /list of performable operations is empty/],
      ['AU-09', 'with two', [PAGE, PAGE].map(url => ({ op: 'redirect', url })), /must contain only one operation/],
      ['AU-10', 'with another op', [{ op: 'add', path: '/x', value: 1 }], /needs exactly one redirect/],
      ['AU-11', 'without url', [{ op: 'redirect' }], /url of the redirect is null or empty/],
      ['AU-11', 'with an empty url', [{ op: 'redirect', url: '' }], /url of the redirect is null or empty/],
    ] as const) {
      test(`${row}: ${title} is a processing error, and the call record has the reason`, async () => {
        const { error } = await toldAfter(() => ({ body: { actionStatus: 'INCOMPLETE', operations } }))
        assert.equal(error, 'authentication_processing_error')
        assert.match((await lastCall(world)).reason, why)
      })
    }
  })

  describe('SUCCESS', () => {
    const claim = (name: string, value: unknown) => ({ uri: `http://wso2.org/claims/${name}`, value })
    const mismatch =
      'The provided username for the user in the authentication response does not match the resolved username from the userStore.'
    for (const [row, title, userOf, why] of [
      [
        'AU-12',
        'without data',
        undefined,
        'The user field is missing in the authentication action response. This field is required for IDENTIFICATION authentication.',
      ],
      ['AU-13', 'without id', {}, 'The userId field is missing in the authentication action response.'],
      ['AU-14', 'with an unknown id', { id: 'nobody' }, 'No user is found for the given userId: nobody'],
      [
        'AU-15',
        'with an unknown user store',
        { userStore: { name: 'NOPE' } },
        'No userStore is found for the given userStore domain name: NOPE',
      ],
      ['AU-17', 'with another user name', { claims: [claim('username', 'somebody')] }, mismatch],
      [
        'AU-19',
        'with an unknown claim',
        { claims: [claim('shoeSize', '41')] },
        'Claim not found for claim URI: http://wso2.org/claims/shoeSize',
      ],
      [
        'AU-20',
        'with a string for a list',
        { claims: [claim('emailAddresses', 'a@x.test')] },
        'The claim http://wso2.org/claims/emailAddresses is multi-valued. Send its values as a list.',
      ],
      [
        'AU-20',
        'with the separator in a value of a list',
        { claims: [claim('emailAddresses', ['a,b'])] },
        'The character , is not allowed in values of the multi-valued claim http://wso2.org/claims/emailAddresses.',
      ],
      [
        '',
        'with a list for a string',
        { claims: [claim('givenname', ['Mira'])] },
        'The claim http://wso2.org/claims/givenname is single-valued. Send its value as a string.',
      ],
    ] as const) {
      test(`${[row, title].filter(Boolean).join(': ')} signs no one in, and only the call record has the reason`, async () => {
        const named =
          userOf && 'id' in userOf ? userOf : userOf && row !== 'AU-13' ? { id: user.id, ...userOf } : userOf
        const data = named && { user: named }
        const answer = await toldAfter(() => ({ body: { actionStatus: 'SUCCESS', data } }))
        const call = await lastCall(world)
        assert.equal(answer['error'], 'authentication_processing_error')
        assert.equal(
          answer['error_description'],
          `An error occurred while authenticating user with Door code. The id of the call is ${call.id}.`,
        )
        assert.deepEqual(
          [call.status, call.reason, call.flowResult],
          ['error', why, 'refused with authentication_processing_error'],
        )
      })
    }

    for (const [row, title, more] of [
      ['AU-16', 'without user store', {}],
      ['AU-16', 'with the store in other letters', { userStore: { name: 'Primary' } }],
      ['AU-18', 'without claims', { claims: null }],
      [
        '',
        'with groups and roles, which the store decides',
        { groups: ['ops'], claims: [claim('groups', 'x'), claim('roles', ['y'])] },
      ],
      ['', 'with claims, whose values the store decides', { claims: [claim('givenname', 'Somebody')] }],
    ] as const) {
      test(`${[row, title].filter(Boolean).join(': ')} signs the user in with the values of the store`, async () => {
        const { code = '' } = await toldAfter(() => answers.identified(user, more))
        const { body } = await world.token(application, {
          grant_type: 'authorization_code',
          code,
          redirect_uri: CALLBACK,
        })
        const claims = decodeJwt(body.id_token)
        assert.deepEqual([claims.sub, claims['given_name']], [user.id, 'Mira'])
      })
    }

    test('the right user name among the claims is accepted', async () => {
      const { code } = await toldAfter(() => answers.identified(user, { claims: [claim('username', user.userName)] }))
      assert.equal(typeof code, 'string')
    })

    test('a deactivated user and a user of an organization below are not signed in', async () => {
      const disabled = await world.addUser({ isActive: false })
      assert.equal((await toldAfter(() => answers.identified(disabled)))['error'], 'authentication_processing_error')
      assert.match((await lastCall(world)).reason, /not active/)
      const elsewhere = await world.addUser({ organizationId: (await addOrganization(world)).id })
      assert.equal((await toldAfter(() => answers.identified(elsewhere)))['error'], 'authentication_processing_error')
      assert.match((await lastCall(world)).reason, /No user is found/)
    })

    test('AU-23, AU-24: a second factor signs in the user of the previous step, for any user in the answer', async () => {
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      const other = await world.addUser()
      for (const answer of [answers.verified(), answers.identified(other), answers.identified({ id: 'nobody' })]) {
        extension.answer(() => answer)
        const { browser, page } = await begin(world, twoSteps)
        const { code = '' } = told(await forward(browser, await enterPassword(browser, page, user)))
        const { body } = await world.token(twoSteps, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
        const claims = decodeJwt(body.id_token)
        assert.deepEqual([claims.sub, claims['amr']], [user.id, ['pwd', SECOND]])
      }
    })
  })

  describe('FAILED and ERROR', () => {
    test('AU-28: FAILED returns the reason and the description to the application', async () => {
      const answer = await toldAfter(() => answers.failed('door_closed', 'Closed after 18:00.'))
      assert.deepEqual(
        [answer['error'], answer['error_description'], answer['state']],
        ['door_closed', 'Closed after 18:00.', 's-1'],
      )
      const { status, flowResult } = await lastCall(world)
      assert.deepEqual([status, flowResult], ['failed', 'denied'])
    })

    test('FAILED without a description returns none', async () => {
      const answer = await toldAfter(() => answers.failed('door_closed'))
      assert.deepEqual([answer['error'], answer['error_description']], ['door_closed', undefined])
    })

    test('AU-46: a reason that OAuth does not allow becomes access_denied, and forbidden characters of a description are removed', async () => {
      const answer = await toldAfter(() => answers.failed('door\nclosed', 'Closed\nafter\t18:00.'))
      assert.deepEqual([answer['error'], answer['error_description']], ['access_denied', 'Closed after 18:00.'])
    })

    test('a reason that is an error name of the library reaches the application unchanged or as access_denied, with the description', async () => {
      const names = Object.keys(errors).map(name =>
        name.replace(/^OIDC/, 'Oidc').replace(/(?<!^)[A-Z]/g, letter => `_${letter}`),
      )
      assert(names.length > 30)
      for (const name of [...names, 'OIDCProviderError', 'server_error']) {
        const reason = name === 'OIDCProviderError' ? name : name.toLowerCase()
        const { error, error_description } = await toldAfter(() => answers.failed(reason, 'Closed after 18:00.'))
        assert(error === reason || error === 'access_denied', `${reason} became ${error}`)
        assert.equal(error_description, 'Closed after 18:00.', reason)
      }
    })

    for (const [title, answer] of [
      ['AU-29: ERROR', answers.error()],
      ['a body that is no answer', { body: 'inner words' }],
      ['an unknown status', { status: 418, body: { actionStatus: 'SUCCESS' } }],
    ] as const) {
      test(`${title} returns only the id of the call to the application`, async () => {
        const { error, error_description = '' } = await toldAfter(() => answer)
        const { id, flowResult } = await lastCall(world)
        assert.equal(error, 'authentication_processing_error')
        assert.equal(
          error_description,
          `An error occurred while authenticating user with Door code. The id of the call is ${id}.`,
        )
        assert.equal(flowResult, 'refused with authentication_processing_error')
      })
    }

    test('a device gets the failure of the sign-in', async () => {
      const grantTypes = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code']
      const device = await world.addApplication({ grantTypes, callbackUrls: [CALLBACK] })
      await setSteps(world, device, [DOOR])
      const started = (await (
        await world.post('/oauth2/device_authorize', device, { scope: 'openid' })
      ).json()) as Record<string, string>
      extension.answer(() => answers.failed('door_closed', 'Closed after 18:00.'))
      const browser = openBrowser(world.server.address)
      const code = await browser.open(`${world.base}/device`)
      const confirm = await browser.submit(code, { user_code: started['user_code'] ?? '' })
      const page = await browser.submit(confirm, { confirm: 'yes' })
      assert.match(page.html, /role="alert"/)
      const { body } = await world.token(device, {
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code: started['device_code'] ?? '',
      })
      assert.deepEqual([body.error, body.error_description], ['door_closed', 'Closed after 18:00.'])
    })
  })

  describe('the browser', () => {
    test('AU-44: that did not start the flow gets a page with advice, and the extension is not called', async () => {
      const { back } = await sentAway()
      extension.calls.length = 0
      extension.answer(() => answers.identified(user))
      const page = await openBrowser(world.server.address).open(back)
      assert.equal(page.status, 400)
      assert.match(page.html, /was started in another browser/)
      assert.match(page.html, /Go back to the application and try again/)
      assert.equal(extension.calls.length, 0)
    })

    test('is bound by a cookie for the server’s sign-in page only', async () => {
      extension.answer(() => answers.redirect(PAGE))
      const response = await fetch(authorizeUrl(application, world.base), { redirect: 'manual' })
      const path = response.headers.get('location')
      const cookie = response.headers.getSetCookie().find(text => text.startsWith('preflow-sign-in')) ?? ''
      assert(cookie.includes(`path=${path};`), cookie)
      assert.match(cookie, /httponly/i)
      assert.match(cookie, /samesite=lax/i)
    })

    test('AU-45: that returns again is not signed in again, and the extension is not called', async () => {
      const { browser, back } = await sentAway()
      extension.answer(() => answers.identified(user))
      assert.equal(typeof told(await browser.open(back))['code'], 'string')
      extension.calls.length = 0
      const again = await browser.open(back)
      assert.equal(again.status, 400)
      assert.match(again.html, /is already finished/)
      assert.equal(extension.calls.length, 0)
    })

    for (const [what, answer] of [
      ['was signed in', () => answers.identified(user)],
      ['was refused', () => answers.failed('door_closed')],
    ] as const) {
      test(`that ${what} and reloads before it returned to the application returns, and the extension is not called`, async () => {
        const begun = await fetch(authorizeUrl(application, world.base), { redirect: 'manual' })
        const cookie = begun.headers
          .getSetCookie()
          .map(text => text.split(';')[0])
          .join('; ')
        const page = new URL(begun.headers.get('location') ?? '', world.server.address)
        extension.answer(answer)
        const first = await fetch(page, { redirect: 'manual', headers: { cookie } })
        extension.answer(() => answers.identified(user))
        const second = await fetch(page, { redirect: 'manual', headers: { cookie } })
        assert.deepEqual([first.status, second.status], [303, 303])
        assert.equal(second.headers.get('location'), first.headers.get('location'))
        assert.equal(extension.calls.length, 1)
      })
    }

    test('an unknown flow id, a missing one, and one with markup get a page', async () => {
      for (const query of ['?flowId=0123456789abcdef0123456789abcdef', '', '?flowId=%3Cscript%3E%00']) {
        const page = await openBrowser(world.server.address).open(`${world.base}/commonauth${query}`)
        assert.equal(page.status, 400)
        assert(!page.html.includes('<script'))
      }
    })

    test('an address without a readable host causes no server error', async () => {
      const path = '//[/commonauth?flowId=0123456789abcdef0123456789abcdef'
      const [response] = await once(get({ host: '127.0.0.1', port: world.port, path }), 'response')
      response.resume()
      assert.equal(response.statusCode, 400)
    })

    test('another method than GET is refused', async () => {
      const { back } = await sentAway()
      const response = await fetch(back, { method: 'POST' })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'])
    })
  })

  describe('several steps and options', () => {
    test('AU-34: the user chooses one of two options, and only that one is called', async () => {
      const choosing = await addApplication(world, [BASIC, DOOR])
      extension.answer(() => answers.redirect(PAGE))
      const { browser, page } = await begin(world, choosing)
      assert.match(page.html, /How do you want to sign in\?/)
      assert.match(page.html, /<html lang="en">/)
      assert.match(page.html, /<button name="authenticator" value="custom-door-code">Door code<\/button>/)
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.equal(extension.calls.length, 0)

      const chosen = await browser.submit(page, { authenticator: DOOR })
      // The policy of the page would stop the browser from following a redirect to the extension.
      assert.equal(chosen.status, 200)
      const away = await forward(browser, chosen)
      assert.ok(away.url.startsWith(PAGE))
      extension.answer(() => answers.identified(user))
      const { flowId } = extension.calls[0]?.body ?? {}
      assert.equal(typeof told(await browser.open(`${world.base}/commonauth?flowId=${flowId}`))['code'], 'string')
    })

    test('a user who chose the password can choose again and cancel', async () => {
      const choosing = await addApplication(world, [BASIC, DOOR])
      const { browser, page } = await begin(world, choosing)
      const password = await browser.submit(page, { authenticator: BASIC })
      assert.match(password.html, /name="password"/)
      const wrong = await browser.submit(password, { username: user.userName, password: 'no', step: 'sign-in' })
      assert.match(wrong.html, /The user name or the password is wrong/)
      const again = await browser.submit(wrong, { step: 'other' })
      assert.match(again.html, /How do you want to sign in\?/)
      assert.equal(told(await browser.submit(again, { step: 'cancel' }))['error'], 'access_denied')
      assert.equal(extension.calls.length, 0)
    })

    test('a choice that is not an option, or lacks the token of the page, changes nothing', async () => {
      const choosing = await addApplication(world, [BASIC, DOOR])
      const { browser, page } = await begin(world, choosing)
      const other = await browser.submit(page, { authenticator: SECOND })
      assert.match(other.html, /How do you want to sign in\?/)
      assert.equal((await browser.submit(page, { authenticator: DOOR, csrf: 'guess' })).status, 403)
      assert.equal(extension.calls.length, 0)
    })

    test('the password in a later step must belong to the user of the previous step', async () => {
      const other = await world.addUser()
      const twoSteps = await addApplication(world, [DOOR], [BASIC])
      extension.answer(() => answers.identified(user))
      const { browser, page } = await begin(world, twoSteps)
      assert.match(page.html, new RegExp(`value="${user.userName}"`))
      const refused = await enterPassword(browser, page, other)
      assert.match(refused.html, /not the user of the previous step/)
      assert.equal(typeof told(await enterPassword(browser, refused, user))['code'], 'string')
    })

    test('a user who is deactivated between two steps is not signed in', async () => {
      const leaving = await world.addUser()
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      const { browser, page } = await begin(world, twoSteps)
      const entered = await enterPassword(browser, page, leaving)
      await updateUser(world.db, { ...leaving, isActive: false })
      extension.answer(() => answers.verified())
      assert.equal(told(await forward(browser, entered))['error'], 'access_denied')
      assert.equal(extension.calls.length, 0)
    })

    for (const [what, leave] of [
      ['disabled', (leaving: User) => updateUser(world.db, { ...leaving, isActive: false })],
      ['deleted', (leaving: User) => deleteUser(world.db, leaving.tenantId, leaving.id)],
    ] as const) {
      test(`a user who is ${what} during the extension call is not signed in`, async () => {
        const leaving = await world.addUser()
        const twoSteps = await addApplication(world, [BASIC], [SECOND])
        const { browser, page } = await begin(world, twoSteps)
        const entered = await enterPassword(browser, page, leaving)
        extension.answer(async () => {
          await leave(leaving)
          return answers.verified()
        })
        const { error, error_description } = told(await forward(browser, entered))
        assert.deepEqual([error, error_description], ['access_denied', 'The user was deleted, deactivated or locked.'])
      })
    }

    test('a user who cancels in another tab during the extension call gets a page in the first one', async () => {
      const asked = Promise.withResolvers<void>()
      const held = Promise.withResolvers<Answer>()
      extension.answer(() => {
        asked.resolve()
        return held.promise
      })
      const { browser, page } = await begin(world, await addApplication(world, [DOOR, BASIC]))
      const waiting = forward(browser, await browser.submit(page, { authenticator: DOOR }))
      await asked.promise
      assert.equal(told(await browser.submit(page, { step: 'cancel' }))['error'], 'access_denied')
      held.resolve(answers.identified(user))
      const late = await waiting
      assert.equal(late.status, 400)
      assert.match(late.html, /already finished/)
    })

    test('a prefetch with HEAD calls no extension', async () => {
      const response = await fetch(authorizeUrl(application, world.base), { redirect: 'manual' })
      const cookie = response.headers
        .getSetCookie()
        .map(text => text.split(';')[0])
        .join('; ')
      const page = new URL(response.headers.get('location') ?? '', world.server.address)
      assert.equal((await fetch(page, { method: 'HEAD', headers: { cookie } })).status, 200)
      assert.equal(extension.calls.length, 0)
    })
  })

  describe('a session', () => {
    for (const steps of [[[BASIC]], [[BASIC], [SECOND]]]) {
      test(`of a deactivated user starts again with ${steps.length} steps, also for another user`, async () => {
        const leaving = await world.addUser()
        const quick = await addApplication(world, [BASIC])
        const browser = openBrowser(world.server.address)
        const entered = await enterPassword(browser, (await begin(world, quick, { browser })).page, leaving)
        assert.equal(typeof told(entered)['code'], 'string')
        await updateUser(world.db, { ...leaving, isActive: false })
        const wanted = await addApplication(world, ...steps)
        const silent = await begin(world, wanted, { browser, more: { prompt: 'none' } })
        assert.equal(told(silent.page)['error'], 'login_required')
        const { page } = await begin(world, wanted, { browser })
        assert.match(page.html, /name="password"/)
        extension.answer(() => answers.verified())
        const next = await enterPassword(browser, page, user)
        const last = steps.length === 1 ? next : await forward(browser, next)
        // The library first ends the session of the other user, with a form that submits itself.
        assert.equal(typeof told(await browser.submit(last, {}))['code'], 'string')
      })
    }

    test('that has only the password requires just the second factor', async () => {
      const quick = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      const { browser, page } = await begin(world, quick)
      told(await enterPassword(browser, page, user))
      extension.answer(() => answers.redirect(PAGE))
      const away = await begin(world, twoSteps, { browser })
      assert.ok(away.page.url.startsWith(PAGE), away.page.html)
      const { event, flowId } = extension.calls[0]?.body ?? {}
      assert.deepEqual([event.user.id, event.currentStepIndex], [user.id, 2])
      extension.answer(() => answers.verified())
      const { code = '' } = told(await browser.open(`${world.base}/commonauth?flowId=${flowId}`))
      const { body } = await world.token(twoSteps, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
      assert.deepEqual(decodeJwt(body.id_token)['amr'], ['pwd', SECOND])

      extension.calls.length = 0
      assert.equal(typeof told((await begin(world, twoSteps, { browser })).page)['code'], 'string')
      assert.equal(typeof told((await begin(world, quick, { browser })).page)['code'], 'string')
      assert.equal(extension.calls.length, 0)
    })

    test('requires a new sign-in if the application requests it', async () => {
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      extension.answer(() => answers.verified())
      const { browser, page } = await begin(world, twoSteps)
      told(await forward(browser, await enterPassword(browser, page, user)))
      const anew = await begin(world, twoSteps, { browser, more: { prompt: 'login' } })
      assert.match(anew.page.html, /name="password"/)
    })

    test('that started with the authenticator of a later step goes through all steps', async () => {
      extension.answer(() => answers.identified(user))
      const { browser, page } = await begin(world, application)
      told(page)
      const reversed = await addApplication(world, [BASIC], [DOOR])
      const asked = await begin(world, reversed, { browser })
      assert.match(asked.page.html, /name="password"/)
      extension.calls.length = 0
      told(await forward(browser, await enterPassword(browser, asked.page, user)))
      assert.deepEqual(extension.calls[0]?.body.event.authenticatedSteps, [{ index: 1, name: BASIC }])
    })

    test('that lacks a step fails with prompt=none', async () => {
      const quick = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
      const twoSteps = await addApplication(world, [BASIC], [SECOND])
      const { browser, page } = await begin(world, quick)
      told(await enterPassword(browser, page, user))
      const silent = await begin(world, twoSteps, { browser, more: { prompt: 'none' } })
      assert.equal(told(silent.page)['error'], 'login_required')
    })

    test('that a custom authenticator started does not count as the password, and has both afterwards', async () => {
      const quick = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
      extension.answer(() => answers.identified(user))
      const { browser, page } = await begin(world, application)
      told(page)
      const asked = await begin(world, quick, { browser })
      assert.match(asked.page.html, /name="password"/)
      told(await enterPassword(browser, asked.page, user))
      extension.calls.length = 0
      told((await begin(world, application, { browser })).page)
      assert.equal(extension.calls.length, 0)
    })
  })

  test('a step with an extension continues with the consent, in one flow', async () => {
    const asking = await world.addApplication({
      grantTypes: ['authorization_code'],
      callbackUrls: [CALLBACK],
      skipsConsent: false,
    })
    await setSteps(world, asking, [DOOR])
    const count = async () => (await world.db.queries.selectFrom('sign_in_flows').selectAll().execute()).length
    const before = await count()
    extension.answer(() => answers.identified(user))
    const { browser, page } = await begin(world, asking)
    assert.match(page.html, /Allow access\?/)
    assert.equal(typeof told(await browser.submit(page, { step: 'allow' }))['code'], 'string')
    assert.equal((await count()) - before, 1)
  })

  describe('administrators', () => {
    test('sign in to a system application with the password, regardless of its sequence', async () => {
      const system = await world.addApplication({
        grantTypes: ['authorization_code'],
        callbackUrls: [CALLBACK],
        isSystem: true,
        signIn: { steps: [{ options: [DOOR] }], subjectStep: 1, attributeStep: 1 },
      })
      const { browser, page } = await begin(world, system)
      told(await enterPassword(browser, page, user))
      assert.equal(extension.calls.length, 0)
    })

    test('remove an authenticator that refuses everyone from an application through the API', async () => {
      const locked = await addApplication(world, [DOOR])
      assert.equal((await toldAfter(() => answers.error(), locked))['error'], 'authentication_processing_error')
      await setSteps(world, locked, [BASIC])
      const { browser, page } = await begin(world, locked)
      told(await enterPassword(browser, page, user))
    })
  })

  test('a disabled authenticator is not offered, and no one passes a step without any', async () => {
    await addAuthenticator(world, 'custom-off', extension, { isEnabled: false })
    const choosing = await addApplication(world, ['custom-off', BASIC])
    assert.match((await begin(world, choosing)).page.html, /name="password"/)
    const closed = await addApplication(world, [BASIC], ['custom-off'])
    const { browser, page } = await begin(world, closed)
    const answer = told(await forward(browser, await enterPassword(browser, page, user)))
    assert.equal(answer['error'], 'authentication_processing_error')
    assert.equal(extension.calls.length, 0)
  })

  test('a verifying authenticator identifies no one in a first step, even if an organization replaced another one with it', async () => {
    const branch = await addOrganization(world)
    await addAuthenticator(world, DOOR, extension, { authenticationType: 'VERIFICATION' }, branch)
    extension.answer(() => answers.verified())
    const { page } = await begin(world, application, { base: `${world.base}/o/${branch.id}` })
    assert.equal(told(page)['error'], 'authentication_processing_error')
    assert.equal(extension.calls.length, 0)
  })

  test('a sign-in in progress follows changes of the application', async () => {
    const changing = await addApplication(world, [DOOR], [SECOND])
    extension.answer(() => answers.redirect(PAGE))
    const { browser } = await begin(world, changing)
    const { flowId } = extension.calls[0]?.body ?? {}
    await setSteps(world, changing, [DOOR])
    extension.answer(() => answers.identified(user))
    assert.equal(typeof told(await browser.open(`${world.base}/commonauth?flowId=${flowId}`))['code'], 'string')
  })
})

/** What each platform does if a later step identifies another user. */
const OTHER_USERS: Partial<Record<PlatformName, 'refused' | 'signed in'>> = {
  preflow: 'refused',
  'wso2-is-next': 'signed in',
}

for (const [platform, then] of Object.entries(OTHER_USERS)) {
  describe(`on ${platform}`, () => {
    let world: World
    let extension: Extension
    before(async () => {
      world = await startWorld({ platform: platform as PlatformName })
      extension = await startExtension()
      await addAuthenticator(world, DOOR, extension)
    })
    after(async () => {
      await extension.close()
      await world.close()
    })

    test(`another user in a later step is ${then}, depending on the subject step`, async () => {
      const [first, second] = [await world.addUser(), await world.addUser()]
      const twoSteps = await addApplication(world, [BASIC], [DOOR])
      extension.answer(() => answers.identified(second))
      const { browser, page } = await begin(world, twoSteps)
      const answer = told(await forward(browser, await enterPassword(browser, page, first)))
      if (then === 'refused') {
        assert.equal(answer['error'], 'authentication_processing_error')
        assert.match((await lastCall(world)).reason, /not the user of the previous steps/)
        return
      }
      const { code = '' } = answer
      const { body } = await world.token(twoSteps, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
      assert.equal(decodeJwt(body.id_token).sub, first.id)
    })

    test('an address that is not a web page is followed only on platforms that follow any', async () => {
      const application = await addApplication(world, [DOOR])
      extension.answer(() => answers.redirect('com.example.door:/entry'))
      const { page } = await begin(world, application)
      if (then === 'refused') assert.equal(told(page)['error'], 'authentication_processing_error')
      else assert.equal(page.url, `com.example.door:/entry?spId=${application.id}`)
    })
  })
}

test('no one passes on a platform without custom authentication', async () => {
  const world = await startWorld({ platform: 'wso2-is-7.0' })
  const extension = await startExtension()
  try {
    await addAuthenticator(world, DOOR, extension)
    const application = await addApplication(world, [DOOR])
    const { page } = await begin(world, application)
    assert.equal(told(page)['error'], 'authentication_processing_error')
    const { reason, flowResult } = await lastCall(world)
    assert.match(reason, /has no AUTHENTICATION actions/)
    assert.equal(flowResult, 'refused with authentication_processing_error')
    assert.equal(extension.calls.length, 0)
  } finally {
    await extension.close()
    await world.close()
  }
})

test('break-glass makes no sign-in weaker: authenticators are left out, and no one passes a step without another', async () => {
  const world = await startWorld({ disabledActions: ['AUTHENTICATION'] })
  const extension = await startExtension()
  try {
    const user = await world.addUser()
    await addAuthenticator(world, DOOR, extension)
    await addAuthenticator(world, SECOND, extension, { authenticationType: 'VERIFICATION' })
    const choosing = await addApplication(world, [DOOR, BASIC])
    const first = await begin(world, choosing)
    told(await enterPassword(first.browser, first.page, user))
    const twoSteps = await addApplication(world, [BASIC], [SECOND])
    const second = await begin(world, twoSteps)
    const answer = told(await forward(second.browser, await enterPassword(second.browser, second.page, user)))
    assert.equal(answer['error'], 'authentication_processing_error')
    assert.equal(extension.calls.length, 0)
  } finally {
    await extension.close()
    await world.close()
  }
})
