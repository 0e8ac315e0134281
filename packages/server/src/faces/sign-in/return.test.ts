/** Only the browser that started a sign-in can finish it: relay attacks, and honest browsers. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import {
  addApplication,
  addAuthenticator,
  answers,
  begin,
  enterPassword,
  forward,
  manage,
  told,
} from '../../authenticators.fixture.ts'
import { createLog } from '../../ground/observe/log.ts'
import { type Browser, CALLBACK, openBrowser, type Page } from '../../ground/pages/browser.fixture.ts'
import type { Application, User } from '../../ground/store/model.ts'
import {
  type Answer,
  type Extension,
  onEachDatabase,
  type ReceivedCall,
  startExtension,
  startWorld,
  type World,
} from '../../world.fixture.ts'

const FIRST = 'custom-first-factor'
const SECOND = 'custom-second-factor'
const BASIC = 'BasicAuthenticator'
const PAGE = 'https://door.example/entry?h=0f9c'
const CODE = 'R3turn-code_of-the-browser-that-proved-the-factor'

/** The return code of a call, as the extension gets it. */
function codeOf({ body }: ReceivedCall): string[] | undefined {
  const parameters: { name: string; value: string[] }[] = body.event.request.additionalParams ?? []
  return parameters.find(({ name }) => name === 'returnCode')?.value
}

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let victim: User
  let first: Application
  let second: Application
  /** Flows whose factor was proved at the page of the extension. */
  const proved = new Set<string>()

  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    extension = await startExtension()
    victim = await world.addUser()
    await addAuthenticator(world, FIRST, extension)
    await addAuthenticator(world, SECOND, extension, { authenticationType: 'VERIFICATION' })
    first = await addApplication(world, [FIRST])
    second = await addApplication(world, [BASIC], [SECOND])
  })
  beforeEach(() => {
    extension.calls.length = 0
    proved.clear()
    extension.answer(trusting)
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  /** An extension without return codes: any call for a proved flow gets SUCCESS. */
  function trusting({ body }: ReceivedCall): Answer {
    return proved.has(body.flowId) ? answers.identified(victim) : answers.redirect(PAGE)
  }

  /** An extension that requires the code that it gave the proving browser. */
  function careful(call: ReceivedCall): Answer {
    if (!proved.has(call.body.flowId)) return answers.redirect(PAGE)
    const code = codeOf(call)
    if (code === undefined) return answers.redirect(PAGE)
    proved.delete(call.body.flowId)
    return code.length === 1 && code[0] === CODE ? answers.identified(victim) : answers.failed('return_refused')
  }

  interface Away {
    browser: Browser
    /** The address of the sign-in at the server. */
    reload(): Promise<Page>
    flowId: string
    /** The address to which the extension returns the proving browser. */
    back: string
  }

  /** A sign-in at the page of the extension. */
  async function sendAway(application: Application): Promise<Away> {
    const { browser, page } = await begin(world, application)
    const away = application === second ? await forward(browser, await enterPassword(browser, page, victim)) : page
    assert.ok(away.url.startsWith(PAGE), away.html)
    const flowId: string = extension.calls.at(-1)?.body.flowId
    const back = `${world.base}/commonauth?flowId=${flowId}`
    const { interactionPath } = await whereIs(back)
    return { browser, flowId, back, reload: () => browser.open(world.server.address + interactionPath) }
  }

  /** The page of a flow, which `/commonauth` reveals to anyone who knows the flow. */
  async function whereIs(back: string): Promise<{ interactionPath: string; location: string }> {
    const response = await fetch(back, { method: 'HEAD', redirect: 'manual' })
    const location = response.headers.get('location') ?? ''
    return { interactionPath: location.split('?')[0] ?? '', location }
  }

  const isSignedIn = (page: Page) => page.url.startsWith(CALLBACK) && new URL(page.url).searchParams.has('code')

  test('AZ-04: an attacker who makes a user prove the first factor is not signed in by reloading, and the extension is not called', async () => {
    const attacker = await sendAway(first)
    proved.add(attacker.flowId)
    extension.calls.length = 0
    for (let times = 0; times < 20; times++) {
      const page = await attacker.reload()
      assert.ok(page.url.startsWith(PAGE), `${page.url}\n${page.html}`)
    }
    assert.equal(extension.calls.length, 0)
  })

  test('AZ-04: choosing the same authenticator again does not call the extension, like reloading', async () => {
    const choosing = await addApplication(world, [FIRST, BASIC])
    const { browser, page } = await begin(world, choosing)
    const choose = async () => forward(browser, await browser.submit(page, { authenticator: FIRST }))
    assert.ok((await choose()).url.startsWith(PAGE))
    proved.add(extension.calls.at(-1)?.body.flowId)
    extension.calls.length = 0
    assert.ok((await choose()).url.startsWith(PAGE))
    await browser.submit(page, { authenticator: BASIC })
    await browser.submit(page, { step: 'other' })
    assert.ok((await choose()).url.startsWith(PAGE))
    assert.equal(extension.calls.length, 0)
  })

  test('AZ-05: a browser that proved the factor but did not start the sign-in ends it for both, with an error page', async () => {
    for (const query of ['', `&returnCode=${CODE}`]) {
      const attacker = await sendAway(first)
      proved.add(attacker.flowId)
      extension.calls.length = 0
      const page = await openBrowser(world.server.address).open(attacker.back + query)
      assert.equal(page.status, 400)
      assert.match(page.html, /was started in another browser/)
      const { code, error } = told(await attacker.reload())
      assert.deepEqual([code, error], [undefined, 'access_denied'])
      const late = await attacker.browser.open(attacker.back + query)
      assert.ok(!isSignedIn(late), late.url)
      assert.equal(extension.calls.length, 0)
    }
  })

  test('AZ-06: an attacker with the password who makes the user prove the second factor gets no token', async () => {
    const attacker = await sendAway(second)
    proved.add(attacker.flowId)
    extension.calls.length = 0
    for (let times = 0; times < 5; times++) assert.ok((await attacker.reload()).url.startsWith(PAGE))
    await openBrowser(world.server.address).open(`${attacker.back}&returnCode=${CODE}`)
    assert.equal(told(await attacker.reload())['error'], 'access_denied')
    assert.equal(extension.calls.length, 0)
  })

  for (const application of ['first', 'second'] as const) {
    test(`AZ-07: the ${application} factor with a missing, empty, random, doubled or foreign code is never a success`, async () => {
      extension.answer(careful)
      const other = await sendAway(first)
      const foreign = (await whereIs(`${other.back}&returnCode=${CODE}`)).location
      for (const query of [
        '',
        '&returnCode=',
        '&returnCode=guess',
        `&returnCode=${CODE}&returnCode=${CODE}`,
        `&returnCode=${'x'.repeat(5000)}`,
      ]) {
        const attacker = await sendAway(application === 'first' ? first : second)
        proved.add(attacker.flowId)
        const page = await attacker.browser.open(attacker.back + query)
        assert.ok(!isSignedIn(page), `${query}: ${page.url}`)
        // A return that was sealed for another sign-in is invalid for this one.
        const [, token] = foreign.split('?')
        const { interactionPath } = await whereIs(attacker.back)
        const forged = await attacker.browser.open(`${world.server.address}${interactionPath}?${token}`)
        assert.ok(!isSignedIn(forged), `${query}: ${forged.url}`)
      }
    })
  }

  test('AZ-07: a sealed return is invalid after the flow continued', async () => {
    extension.answer(careful)
    const attacker = await sendAway(first)
    const { location } = await whereIs(`${attacker.back}&returnCode=${CODE}`)
    // A return without a code: the extension redirects the browser again, which is a new state of the flow.
    assert.ok((await attacker.browser.open(attacker.back)).url.startsWith(PAGE))
    proved.add(attacker.flowId)
    extension.calls.length = 0
    const page = await attacker.browser.open(world.server.address + location)
    assert.ok(page.url.startsWith(PAGE), page.url)
    assert.equal(extension.calls.length, 0)
  })

  test('AZ-08: an honest returning browser is signed in once, even if it reloads, goes back or returns again', async () => {
    extension.answer(careful)
    for (const application of [first, second]) {
      const { browser, flowId, back, reload } = await sendAway(application)
      assert.ok((await reload()).url.startsWith(PAGE))
      proved.add(flowId)
      assert.ok((await reload()).url.startsWith(PAGE), 'back at the page of the extension')
      const page = await browser.open(`${back}&returnCode=${CODE}`)
      const { code = '' } = told(page)
      const { body } = await world.token(application, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
      })
      const amr = application === first ? [FIRST] : ['pwd', SECOND]
      assert.deepEqual([decodeJwt(body.id_token).sub, decodeJwt(body.id_token)['amr']], [victim.id, amr])
      for (const again of [await browser.open(`${back}&returnCode=${CODE}`), await reload()]) {
        assert.equal(again.status, 400)
        assert.match(again.html, /is already finished/)
      }
      assert.equal(extension.calls.filter(call => codeOf(call) !== undefined).length, 1)
      extension.calls.length = 0
    }
  })

  test('AZ-08: of a double click one request calls the extension, and the other waits for its decision', async () => {
    const asked = Promise.withResolvers<void>()
    const held = Promise.withResolvers<Answer>()
    const { browser, flowId, back, reload } = await sendAway(first)
    proved.add(flowId)
    extension.answer(() => {
      asked.resolve()
      return held.promise
    })
    extension.calls.length = 0
    const slow = browser.open(`${back}&returnCode=${CODE}`)
    await asked.promise
    for (const again of [await browser.open(`${back}&returnCode=${CODE}`), await reload()]) {
      assert.equal(again.status, 200, again.url)
      assert.match(again.html, /One moment/)
      assert.match(again.html, /http-equiv="refresh"/)
    }
    assert.equal(extension.calls.length, 1)
    held.resolve(answers.identified(victim))
    assert.ok(isSignedIn(await slow))
  })

  test('AZ-08: two tabs with one sign-in each are two sign-ins, and two with the same one are one', async () => {
    extension.answer(careful)
    const one = await sendAway(first)
    const { page } = await begin(world, first, { browser: one.browser })
    assert.ok(page.url.startsWith(PAGE))
    const otherFlow: string = extension.calls.at(-1)?.body.flowId
    assert.notEqual(otherFlow, one.flowId)
    proved.add(one.flowId).add(otherFlow)
    // Opens the same sign-in in a second tab.
    assert.ok((await one.reload()).url.startsWith(PAGE))
    for (const flowId of [otherFlow, one.flowId]) {
      const back = `${world.base}/commonauth?flowId=${flowId}&returnCode=${CODE}`
      assert.ok(isSignedIn(await one.browser.open(back)), flowId)
    }
  })

  test('AZ-08: HEAD calls no extension, ends nothing and consumes nothing', async () => {
    extension.answer(careful)
    const { browser, flowId, back } = await sendAway(first)
    proved.add(flowId)
    extension.calls.length = 0
    const { location } = await whereIs(`${back}&returnCode=${CODE}`)
    const stranger = await fetch(world.server.address + location, { method: 'HEAD', redirect: 'manual' })
    assert.equal(stranger.status, 400)
    assert.equal(extension.calls.length, 0)
    assert.ok(isSignedIn(await browser.open(`${back}&returnCode=${CODE}`)))
  })

  test('AZ-08: a browser whose response was lost is signed in when it reloads', async () => {
    extension.answer(careful)
    const { browser, flowId, back, reload } = await sendAway(first)
    proved.add(flowId)
    const { location } = await whereIs(`${back}&returnCode=${CODE}`)
    // The response is lost: the browser does not follow it.
    const lost = await browser.openOnce(world.server.address + location)
    assert.equal(lost.status, 303)
    assert.ok(isSignedIn(await reload()))
  })

  test('AZ-09: an extension without return codes signs in returning users, and its configuration shows a warning', async () => {
    const { browser, flowId, back } = await sendAway(first)
    proved.add(flowId)
    assert.ok(isSignedIn(await browser.open(back)))
    const named = async (allowedParameters: string[]) => {
      const name = `custom-warned-${allowedParameters.length}`
      await addAuthenticator(world, name, extension, {
        endpoint: { uri: extension.url, authentication: { type: 'NONE' }, allowedParameters },
      })
      const id = Buffer.from(name).toString('base64url')
      return (await manage(world, 'GET', `/authenticators/custom/${id}`)).body.warnings
    }
    assert.match((await named(['door'])).join(), /returnCode/)
    assert.equal(await named(['door', 'returnCode']), undefined)
  })
})

/** The return codes that the extension got, call by call. */
const codesOf = ({ calls }: Extension) => calls.map(call => codeOf(call))

describe('the return code', () => {
  let world: World
  let extension: Extension
  let application: Application
  let user: User
  const lines: string[] = []
  before(async () => {
    world = await startWorld({}, createLog('debug', { write: line => void lines.push(line) }))
    extension = await startExtension()
    user = await world.addUser()
    await addAuthenticator(world, FIRST, extension)
    application = await addApplication(world, [FIRST])
  })
  beforeEach(() => {
    extension.calls.length = 0
    lines.length = 0
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  async function sendAway(more: Record<string, string> = {}) {
    extension.answer(() => answers.redirect(PAGE))
    const { browser } = await begin(world, application, { more })
    return { browser, back: `${world.base}/commonauth?flowId=${extension.calls.at(-1)?.body.flowId}` }
  }

  test('reaches the extension even if the authenticator does not list it, and no other parameter of the return does', async () => {
    const { browser, back } = await sendAway()
    extension.answer(() => answers.identified(user))
    told(await browser.open(`${back}&door=south&returnCode=${CODE}`))
    assert.deepEqual(extension.calls.at(-1)?.body.event.request, {
      additionalParams: [{ name: 'returnCode', value: [CODE] }],
    })
  })

  test('cannot come from the application’s authorization request', async () => {
    const { browser, back } = await sendAway({ returnCode: 'of the application', ReturnCode: 'too' })
    await browser.open(back)
    assert.deepEqual(codesOf(extension), [undefined, undefined])
  })

  test('is in no record, no log and no address that another site sees', async () => {
    const { browser, back } = await sendAway()
    extension.answer(() => answers.identified(user))
    told(await browser.open(`${back}&returnCode=${CODE}`))
    const [{ id }] = (await manage(world, 'GET', '/actions/calls?limit=1')).body
    const record = JSON.stringify((await manage(world, 'GET', `/actions/calls/${id}`)).body)
    assert.match(record, /returnCode/)
    assert.ok(!record.includes(CODE), record)
    assert.ok(lines.length > 0 && !lines.join('').includes(CODE))
    const { headers } = await fetch(`${back}&returnCode=${CODE}`, { redirect: 'manual' })
    assert.equal(headers.get('referrer-policy'), 'no-referrer')
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.ok(!headers.get('location')?.includes(CODE))
  })

  test('AZ-05: a return in another browser is a security event', async () => {
    const { back } = await sendAway()
    await openBrowser(world.server.address).open(`${back}&returnCode=${CODE}`)
    const events = lines.map(line => JSON.parse(line)).filter(({ securityEvent }) => securityEvent)
    assert.deepEqual(
      events.map(({ securityEvent, level, tenant, organization, authenticators, address }) => [
        securityEvent,
        level,
        tenant,
        organization,
        authenticators,
        address,
      ]),
      [['sign_in.returned_elsewhere', 40, world.tenant.domain, world.organization.id, [FIRST], '127.0.0.1']],
    )
  })

  test('a return of a cancelled sign-in is not treated as a return in another browser', async () => {
    const choosing = await addApplication(world, [FIRST, BASIC])
    extension.answer(() => answers.redirect(PAGE))
    const { browser, page } = await begin(world, choosing)
    await forward(browser, await browser.submit(page, { authenticator: FIRST }))
    const back = `${world.base}/commonauth?flowId=${extension.calls.at(-1)?.body.flowId}`
    told(await browser.submit(page, { step: 'cancel' }))
    lines.length = 0
    assert.match((await browser.open(back)).html, /is already finished/)
    assert.ok(!lines.join('').includes('securityEvent'))
  })
})

describe('on wso2-is-next, where any request of the browser resumes a sign-in', () => {
  let world: World
  let extension: Extension
  let user: User
  before(async () => {
    world = await startWorld({ platform: 'wso2-is-next' })
    extension = await startExtension()
    user = await world.addUser()
  })
  beforeEach(() => {
    extension.calls.length = 0
    extension.answer(() => answers.redirect(PAGE))
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  async function sendAway(name: string, allowedParameters: string[]) {
    const endpoint = { uri: extension.url, authentication: { type: 'NONE' as const }, allowedParameters }
    await addAuthenticator(world, name, extension, { endpoint })
    const application = await addApplication(world, [name])
    const { browser } = await begin(world, application)
    return { browser, back: `${world.base}/commonauth?flowId=${extension.calls.at(-1)?.body.flowId}` }
  }

  test('reloading calls the extension again, and a browser without the cookie ends nothing', async () => {
    const { browser, back } = await sendAway('custom-reloaded', [])
    const { headers } = await fetch(back, { method: 'HEAD', redirect: 'manual' })
    const path = headers.get('location')?.split('?')[0] ?? ''
    assert.ok((await browser.open(world.server.address + path)).url.startsWith(PAGE))
    assert.equal(extension.calls.length, 2)
    assert.equal((await openBrowser(world.server.address).open(back)).status, 400)
    extension.answer(() => answers.identified(user))
    assert.equal(typeof told(await browser.open(world.server.address + path))['code'], 'string')
  })

  test('the return code reaches the extension where it is listed', async () => {
    for (const [name, listed] of [
      ['custom-unlisted', []],
      ['custom-listed', ['returnCode']],
    ] as const) {
      const { browser, back } = await sendAway(name, [...listed])
      await browser.open(`${back}&returnCode=${CODE}`)
      assert.deepEqual(codesOf(extension).slice(-1), [listed.length > 0 ? [CODE] : undefined])
    }
  })
})
