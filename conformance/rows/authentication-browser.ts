import assert from 'node:assert/strict'
import { openBrowser } from '@preflow/server/testing'
import { differs, row, type Section } from '../row.ts'
import { addDoorWithSignIn, answers, assertProcessingError, begin, landed, redeemed, sendAway } from './doors.ts'

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
        assert.match(html, /was begun in another browser/)
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
  ],
}
