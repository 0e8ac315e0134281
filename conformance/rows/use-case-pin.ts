import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { openBrowser, type Page } from '@preflow/server/testing'
import type { Answered } from '../requests.ts'
import { type Check, row, type Section } from '../row.ts'
import { CALLER_AUTHENTICATION, type RunningPinAuthenticator, startPinAuthenticator } from '../running-extensions.ts'
import type { Client, Stage } from '../stage.ts'
import {
  API,
  addDoor,
  addSignIn,
  begin,
  forwardOf,
  landed,
  lastRecord,
  PASSWORD_PAGE,
  passPassword,
  subjectOf,
} from './doors.ts'
import { alone, callAsPlatform } from './use-case-password.ts'

const PIN = '482915'
const WRONG_PIN = '739204'

/** Runs with the PIN as the only step of an application, or as the step after the password. */
function withPin(
  mode: 'internal' | 'second_factor',
  use: (pins: RunningPinAuthenticator, stage: Stage, application: Client) => Promise<void>,
): Check {
  return async stage => {
    const pins = await startPinAuthenticator(mode, stage.server.address)
    try {
      const isSecond = mode === 'second_factor'
      const { name } = await addDoor(stage, {
        authenticationType: isSecond ? 'VERIFICATION' : 'IDENTIFICATION',
        // What a platform that reproduces the reference forwards of the return.
        endpoint: { uri: `${pins.url}/`, authentication: CALLER_AUTHENTICATION, allowedParameters: ['returnCode'] },
      })
      const application = await addSignIn(stage, ...(isSecond ? [[PASSWORD_PAGE], [name]] : [[name]]))
      await pins.givePin(stage.user, PIN)
      await use(pins, stage, application)
    } finally {
      await pins.close()
    }
  }
}

/** Runs with only the extension, for requests that a server does not send. */
function withPinAlone(
  mode: 'internal' | 'second_factor',
  use: (ask: (more?: Asked) => Promise<Answered>, pins: RunningPinAuthenticator, stage: Stage) => Promise<void>,
): Check {
  return async stage => {
    const pins = await startPinAuthenticator(mode, 'http://127.0.0.1:65535')
    try {
      await pins.givePin(stage.user, PIN)
      const flowId = randomUUID()
      const ask = ({ event, ...more }: Asked = {}) =>
        callAsPlatform(pins, {
          actionType: 'AUTHENTICATION',
          flowId,
          requestId: randomUUID(),
          event: { ...EVENT, ...event },
          allowedOperations: [{ op: 'redirect' }],
          ...more,
        })
      await use(ask, pins, stage)
    } finally {
      await pins.close()
    }
  }
}

/** Changes to a request of a platform. */
interface Asked {
  flowId?: string
  event?: object
}

/** The first step, at the root of a tenant. Without an organization, as older platforms send it. */
const EVENT = {
  tenant: { id: '417', name: 'heron.example' },
  application: { id: 'c0ffee00-1111-4222-8333-444455556666', name: 'Gauge Board' },
  currentStepIndex: 1,
}

/** The page of the PIN, in a new browser, at the redirect of the extension. */
async function openEntry({ url }: RunningPinAuthenticator, { body }: Answered) {
  assert.equal(body.actionStatus, 'INCOMPLETE', JSON.stringify(body))
  const browser = openBrowser(url)
  return { browser, page: await browser.open(body.operations[0].url) }
}

/** Where a page links to for continuing. */
function linkOf({ html }: Page): string {
  const [, link = ''] = /class="button" href="([^"]*)"/.exec(html) ?? []
  return link.replaceAll('&amp;', '&')
}

export const pinAuthenticator: Section = {
  title: 'Sign-in with a PIN: pin-authenticator',
  rows: [
    row(
      'UC-17',
      'the PIN is wrong five times: FAILED, later forms are rejected',
      withPin('second_factor', async (pins, stage, application) => {
        const { browser, page } = await passPassword(stage, application)
        const pages = openBrowser(pins.url)
        let shown = await pages.open(page.url)
        const first = shown
        for (const left of [4, 3, 2, 1]) {
          shown = await pages.submit(shown, { pin: WRONG_PIN })
          assert.match(shown.html, new RegExp(`Attempts left: ${left}\\.`))
        }
        const last = shown
        shown = await pages.submit(last, { pin: WRONG_PIN })
        for (const again of [shown, await pages.submit(last, { pin: PIN }), await pages.submit(first, { pin: PIN })]) {
          assert.match(again.html, /wrong too many times/)
        }
        assert.equal(landed(await browser.open(linkOf(shown)))['error'], 'pin_attempts_exceeded')
      }),
    ),
    row(
      'UC-18',
      'two users with the same PIN: both can sign in',
      withPin('internal', async (pins, stage, application) => {
        const other = await stage.addUser()
        await pins.givePin(other, PIN)
        for (const user of [stage.user, other]) {
          const { browser, page } = await begin(stage, application)
          const pages = openBrowser(pins.url)
          const right = await pages.submit(await pages.open(page.url), { username: user.userName, pin: PIN })
          const back = await browser.open(forwardOf(right))
          assert.equal(await subjectOf(stage, application, back), user.id)
        }
      }),
    ),
    row(
      'UC-19',
      'the platform calls again before the PIN was entered: INCOMPLETE again, with the same page',
      withPin('internal', async (_, stage, application) => {
        const { browser, page } = await begin(stage, application)
        const { id } = await lastRecord(stage)
        const { details } = (await stage.must('GET', `${API}/actions/calls/${id}`)).body
        const back = `${stage.base}/commonauth?flowId=${details.request.body.flowId}`
        assert.equal((await browser.open(back)).url, page.url)
        assert.notEqual((await lastRecord(stage)).id, id)
      }),
    ),
    row(
      'UC-20',
      'form without the cookie or without the CSRF token: 403, nothing changes',
      withPin('second_factor', async (pins, stage, application) => {
        const { browser, page } = await passPassword(stage, application)
        const pages = openBrowser(pins.url)
        const entry = await pages.open(page.url)
        for (const forged of [
          await openBrowser(pins.url).submit(entry, { pin: PIN }),
          await pages.submit(entry, { pin: PIN, token: '' }),
        ]) {
          assert.equal(forged.status, 403)
        }
        const right = await pages.submit(entry, { pin: PIN })
        const back = await browser.open(forwardOf(right))
        assert.equal(await subjectOf(stage, application, back), stage.user.id)
      }),
    ),
    alone(
      row(
        'UC-21',
        'the result is requested twice, more than 10 s apart: FAILED flow_expired for the second',
        withPinAlone('internal', async (ask, pins, { user }) => {
          const { browser, page } = await openEntry(pins, await ask())
          const right = await browser.submit(page, { username: user.userName, pin: PIN })
          const code = new URL(forwardOf(right)).searchParams.get('returnCode')
          const event = { request: { additionalParams: [{ name: 'returnCode', value: [code] }] } }
          assert.deepEqual((await ask({ event })).body.data.user.id, user.id)
          pins.advance(10_001)
          const { failureReason, actionStatus } = (await ask({ event })).body
          assert.deepEqual([actionStatus, failureReason], ['FAILED', 'flow_expired'])
        }),
      ),
    ),
    alone(
      row(
        'UC-22',
        'flowId with mark-up: 400, never written out',
        withPinAlone('internal', async ask => {
          const { body, status } = await ask({ flowId: '"><script>alert(1)</script>' })
          assert.deepEqual([status, body.actionStatus], [400, 'ERROR'])
          assert.doesNotMatch(JSON.stringify(body), /<script/)
        }),
      ),
    ),
    alone(
      row(
        'UC-23',
        'no organization in the request: the root is used',
        withPinAlone('internal', async (ask, pins, { user }) => {
          const { browser, page } = await openEntry(pins, await ask())
          const right = await browser.submit(page, { username: user.userName, pin: PIN })
          assert.equal(new URL(forwardOf(right)).pathname, '/t/heron.example/commonauth')
        }),
      ),
    ),
    alone(
      row(
        'UC-24',
        'second factor without event.user: ERROR 400',
        withPinAlone('second_factor', async ask => {
          const { body, status } = await ask()
          assert.deepEqual([status, body.actionStatus], [400, 'ERROR'])
          assert.match(body.errorDescription, /event\.user\.id: missing/)
        }),
      ),
    ),
    row(
      'UC-25',
      'the extension restarts between entry and return, with a persistent store: the sign-in completes',
      withPin('second_factor', async (pins, stage, application) => {
        const { browser, page } = await passPassword(stage, application)
        const pages = openBrowser(pins.url)
        const entry = await pages.open(page.url)
        await pins.restart()
        const right = await pages.submit(entry, { pin: PIN })
        await pins.restart()
        const back = await browser.open(forwardOf(right))
        assert.equal(await subjectOf(stage, application, back), stage.user.id)
      }),
    ),
  ],
}
