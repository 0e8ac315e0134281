import assert from 'node:assert/strict'
import { openBrowser } from '@preflow/server/testing'
import { differs, row, type Section } from '../row.ts'
import {
  addDoorWithSignIn,
  answers,
  assertProcessingError,
  begin,
  landed,
  lastCallOf,
  redeemed,
  sendAway,
  subjectOf,
} from './doors.ts'

export const browsers: Section = {
  title: 'Browsers',
  rows: [
    row(
      'AU-43',
      'redirect to a host that the authenticator does not list: refused, general error',
      differs(
        'no authenticator has a list of hosts: the administrator trusts its extension with sign-ins, so it may redirect browsers to any web page',
        async stage => {
          const { application, extension } = await addDoorWithSignIn(stage)
          extension.answer(() => answers.redirect('https://elsewhere.example/entry'))
          const { page } = await begin(stage, application)
          assert.equal(page.url, `https://elsewhere.example/entry?spId=${application.id}`)
        },
      ),
    ),
    row(
      'AU-44',
      'another browser returns, without the cookie of the one that started: refused, the extension is not called',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { back } = await sendAway(stage, door)
        door.extension.answer(() => answers.identified(stage.user))
        const { html, status } = await openBrowser(stage.server.address).open(back)
        assert.equal(status, 400)
        assert.match(html, /was started in another browser/)
        assert.equal(door.extension.calls.length, 1)
      },
    ),
    row(
      'AU-45',
      'the browser returns again after the sign-in is complete: no second sign-in, the extension is not called',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, back } = await sendAway(stage, door)
        door.extension.answer(() => answers.identified(stage.user))
        await redeemed(stage, door.application, await browser.open(back))
        const { status, url } = await browser.open(back)
        assert.equal(status, 400, url)
        assert.equal(door.extension.calls.length, 2)
      },
    ),
    row(
      'AU-46',
      'FAILED with a reason that has `"` or a newline: the application gets access_denied instead',
      differs(
        'a newline does become access_denied, but no platform accepts `"` in a reason, so the answer is invalid and ends like an ERROR (AU-29)',
        async stage => {
          const { application, extension } = await addDoorWithSignIn(stage)
          extension.answer(() => answers.failed('door\nclosed', 'Closed after 18:00.'))
          const { error, error_description } = landed((await begin(stage, application)).page)
          assert.deepEqual([error, error_description], ['access_denied', 'Closed after 18:00.'])
          extension.answer(() => answers.failed('door "7" closed', 'Closed after 18:00.'))
          await assertProcessingError(stage, (await begin(stage, application)).page, /^failureReason contains '"'/)
        },
      ),
    ),
    row(
      'AU-47',
      'the browser reloads the page of the sign-in while it should be at that of the extension: the extension is called again, with the same flowId',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, flowId, back } = await sendAway(stage, door)
        door.extension.answer(() => answers.identified(stage.user))
        const page = await browser.open(await signInPageOf(back))
        assert.equal(await subjectOf(stage, door.application, page), stage.user.id)
        assert.deepEqual(
          door.extension.calls.map(({ body }) => body.flowId),
          [flowId, flowId],
        )
      },
      differs(
        'the user who began could let somebody else prove the factor and get the result. Instead, the browser is sent to the page of the extension again, which is called only when the browser comes back',
        async stage => {
          const door = await addDoorWithSignIn(stage)
          const { browser, page, back } = await sendAway(stage, door)
          door.extension.answer(() => answers.identified(stage.user))
          assert.equal((await browser.open(await signInPageOf(back))).url, page.url)
          assert.equal(door.extension.calls.length, 1)
        },
      ),
    ),
    row(
      'AU-48',
      'the browser comes back with `returnCode`, which the endpoint allows: additionalParams of the second call has it',
      async stage => {
        const door = await addDoorWithSignIn(stage, { endpoint: { allowedParameters: ['returnCode'] } })
        const { browser, back } = await sendAway(stage, door)
        await browser.open(`${back}&returnCode=7f3a`)
        assert.deepEqual(lastCallOf(door.extension).body.event.request, {
          additionalParams: [{ name: 'returnCode', value: ['7f3a'] }],
        })
      },
    ),
    row(
      'AU-49',
      'the browser comes back with `returnCode`, which the endpoint does not allow: absent',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, back } = await sendAway(stage, door)
        await browser.open(`${back}&returnCode=7f3a`)
        assert.deepEqual(lastCallOf(door.extension).body.event.request, {})
      },
      differs(
        'without it no extension can distinguish the browser that proved the factor from the one that began, so it is always sent',
        async stage => {
          const door = await addDoorWithSignIn(stage)
          const { browser, back } = await sendAway(stage, door)
          await browser.open(`${back}&returnCode=7f3a`)
          assert.deepEqual(lastCallOf(door.extension).body.event.request, {
            additionalParams: [{ name: 'returnCode', value: ['7f3a'] }],
          })
        },
      ),
    ),
    row(
      'AU-50',
      'another browser came back first (AU-44), then the one that began: it goes on',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, back } = await sendAway(stage, door)
        door.extension.answer(() => answers.identified(stage.user))
        await openBrowser(stage.server.address).open(back)
        assert.equal(await subjectOf(stage, door.application, await browser.open(back)), stage.user.id)
      },
      differs(
        'somebody was persuaded to prove the factor for another user, so the sign-in ends: the application gets access_denied, and the extension is not called',
        async stage => {
          const door = await addDoorWithSignIn(stage)
          const { browser, back } = await sendAway(stage, door)
          door.extension.answer(() => answers.identified(stage.user))
          await openBrowser(stage.server.address).open(back)
          assert.equal(landed(await browser.open(back))['error'], 'access_denied')
          assert.equal(door.extension.calls.length, 1)
        },
      ),
    ),
  ],
}

/** The page of a sign-in, where `/commonauth` sends the browser, without what the browser brings back. */
async function signInPageOf(back: string): Promise<string> {
  const response = await fetch(back, { method: 'HEAD', redirect: 'manual' })
  const page = new URL(response.headers.get('location') ?? '', back)
  page.search = ''
  return page.href
}
