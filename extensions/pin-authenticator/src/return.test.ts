/** Only the browser that entered the PIN can finish the sign-in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Answer,
  type Browser,
  begin,
  createBrowser,
  ines,
  pin,
  type RunningAuthenticator,
  type Shown,
  startAuthenticator,
  stepOne,
  stepTwo,
} from './platform.fixture.ts'

const wrongPin = '739204'
const starterAddress = '203.0.113.7'
const otherAddress = '198.51.100.20'

async function withPin(settings: Parameters<typeof startAuthenticator>[0] = {}): Promise<RunningAuthenticator> {
  const running = await startAuthenticator({ addressHeader: 'x-forwarded-for', ...settings })
  assert.equal((await running.administer('PUT', ines.id, { pin, username: 'ines' })).status, 204)
  return running
}

const isSuccess = ({ answer }: { answer: Answer }) => answer.actionStatus === 'SUCCESS'

function codeOf({ forward = '' }: Shown): string {
  const code = new URL(forward).searchParams.get('returnCode')
  assert.ok(code, forward)
  return code
}

for (const [mode, event, fields] of [
  ['internal', stepOne, { username: 'ines', pin }],
  ['federated', stepOne, { username: 'ines', pin }],
  ['second_factor', stepTwo, { pin }],
] as const) {
  test(`AZ-07: in mode ${mode} a call without the code sends the browser to the same page, and the right code then succeeds once`, async () => {
    await using running = await withPin({ mode })
    const { flowId, url, browser, page } = await begin(running, { event })
    const code = codeOf(await browser.send(page, fields))
    for (const returnCode of [null, '', [code, code], [code, 'other']]) {
      const { answer } = await running.call({ flowId, event, returnCode })
      assert.deepEqual(answer, { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] })
    }
    // The attacker is sent to the page of somebody else; the browser that entered the PIN gets its code again.
    assert.equal((await createBrowser().open(url)).status, 403)
    assert.equal(codeOf(await browser.open(url)), code)
    assert.ok(isSuccess(await running.call({ flowId, event, returnCode: code, requestId: 'r1' })))
    for (const returnCode of [null, code]) {
      const { answer } = await running.call({ flowId, event, returnCode, requestId: 'r2' })
      assert.equal(answer.failureReason, 'flow_expired')
    }
  })

  test(`AZ-07: in mode ${mode} a wrong code fails, and uses the right one up`, async () => {
    await using running = await withPin({ mode })
    const other = await begin(running, { event })
    const foreign = codeOf(await other.browser.send(other.page, fields))
    for (const returnCode of ['guess', foreign]) {
      const { flowId, url, browser, page } = await begin(running, { event })
      const code = codeOf(await browser.send(page, fields))
      assert.equal((await running.call({ flowId, event, returnCode })).answer.failureReason, 'return_refused')
      assert.equal((await running.call({ flowId, event, returnCode: code })).answer.failureReason, 'return_refused')
      const shown = await browser.open(url)
      assert.match(shown.html, /another browser/)
    }
  })
}

test('AZ-07: without request ids a call without the code gets no success that another call took', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  const returnCode = codeOf(await browser.send(page, { pin }))
  assert.ok(isSuccess(await running.call({ flowId, returnCode })))
  for (const other of [null, 'guess']) assert.ok(!isSuccess(await running.call({ flowId, returnCode: other })))
  assert.ok(isSuccess(await running.call({ flowId, returnCode })), 'the repetition of the same call')
})

test('the code of a step is made from the cookie, and only its hash is stored', async () => {
  await using running = await withPin()
  const { flowId, browser, page } = await begin(running)
  const code = codeOf(await browser.send(page, { pin }))
  const again = await begin(running, { flowId, event: { ...stepTwo, currentStepIndex: 3 }, returnCode: null }, browser)
  assert.notEqual(
    codeOf(await browser.send(again.page, { pin })),
    code,
    'another step of the same flow has another code',
  )
  assert.ok(!JSON.stringify(running.log).includes(code))
})

test('off leaves it to the platform to check who returns', async () => {
  await using running = await withPin({ return: 'off' })
  const { flowId, browser, page } = await begin(running)
  const done = await browser.send(page, { pin })
  assert.equal(done.forward, `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`)
  assert.ok(isSuccess(await running.call({ flowId, returnCode: null })))
})

test('on a platform that forwards no code the browser goes back and forth slowly, and the log states what to do', async () => {
  await using running = await withPin()
  const { flowId, url, browser, page } = await begin(running)
  assert.match((await browser.send(page, { pin })).html, /content="0;url=/)
  await running.call({ flowId, returnCode: null })
  assert.match((await browser.open(url)).html, /content="3;url=/)
  const whys = running.log.flatMap(line => (line.event === 'call' ? [line['why']] : []))
  assert.match(String(whys.at(-1)), /list returnCode among the allowed parameters/)
})

// The confirmation page.

const startedFrom = (address: string, agent = 'Firefox of the starter') => ({
  ...stepTwo,
  request: {
    additionalHeaders: [
      { name: 'x-forwarded-for', value: [`spoofed, ${address}`] },
      { name: 'user-agent', value: [agent] },
    ],
  },
})

/** A sign-in whose PIN was entered from this address, and the address of the confirmation page. */
async function proved(running: RunningAuthenticator, event: object, address: string) {
  const { flowId, browser, page, url } = await begin(running, { event }, createBrowser(address))
  const done = await browser.send(page, { pin })
  assert.equal(done.forward, `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`)
  const { answer } = await running.call({ flowId, event })
  assert.equal(answer.actionStatus, 'INCOMPLETE')
  const confirmation = answer.operations?.[0]?.url ?? ''
  assert.notEqual(confirmation, url)
  return { flowId, browser, confirmation }
}

test('AZ-10: from the network of the browser that started, the confirmation shows where it began and needs a click', async () => {
  await using running = await withPin({ return: 'confirm' })
  const event = startedFrom(starterAddress)
  const { flowId, browser, confirmation } = await proved(running, event, starterAddress)
  const page = await browser.open(confirmation)
  assert.equal(page.status, 200)
  assert.equal(page.forward, undefined)
  for (const fact of ['Gauge Board', 'Heron', starterAddress, 'Firefox of the starter', '2026-']) {
    assert.ok(page.html.includes(fact), fact)
  }
  // Opening it decides nothing, and the browser that started the sign-in still waits.
  const waiting = await running.call({ flowId, event })
  assert.equal(waiting.answer.operations?.[0]?.url, confirmation)
  for (const forged of [
    await createBrowser(starterAddress).send(page, {}),
    await browser.send(page, { token: '' }),
    await browser.send(page, { token: `${page.form?.token}x` }),
  ]) {
    assert.equal(forged.status, 403)
  }
  const confirmed = await browser.send(page, {})
  assert.equal(confirmed.forward, `https://id.example.com/t/heron.example/commonauth?flowId=${flowId}`)
  assert.ok(isSuccess(await running.call({ flowId, event, requestId: 'r1' })))
  assert.equal((await running.call({ flowId, event, requestId: 'r2' })).answer.failureReason, 'flow_expired')
})

test('AZ-10: from another network than that of the browser that started the sign-in is refused', async () => {
  await using running = await withPin({ return: 'confirm' })
  for (const [started, here] of [
    [starterAddress, otherAddress],
    ['2001:db8:1:1::5', '2001:db8:1:2::5'],
    ['2001:db8:1:1::5', starterAddress],
  ] as const) {
    const event = startedFrom(started)
    const { flowId, browser, confirmation } = await proved(running, event, here)
    const page = await browser.open(confirmation)
    assert.equal(page.form, undefined, page.html)
    assert.match(page.html, /another network/)
    assert.equal((await running.call({ flowId, event })).answer.failureReason, 'return_refused')
    assert.match((await browser.open(confirmation)).html, /another network/)
  }
})

test('AZ-10: two addresses of one /64 are one network', async () => {
  await using running = await withPin({ return: 'confirm' })
  const event = startedFrom('2001:db8:1:1::5')
  const { browser, confirmation } = await proved(running, event, '2001:db8:1:1:ffff::9')
  assert.ok((await browser.open(confirmation)).form)
})

test('AZ-10: only the browser that entered the PIN sees the confirmation, and may cancel there', async () => {
  await using running = await withPin({ return: 'confirm' })
  const event = startedFrom(starterAddress)
  const { flowId, browser, confirmation } = await proved(running, event, starterAddress)
  assert.equal((await createBrowser(starterAddress).open(confirmation)).status, 403)
  const page = await browser.open(confirmation)
  assert.match((await browser.send(page, { cancel: 'yes' })).forward ?? '', /commonauth/)
  assert.equal((await running.call({ flowId, event })).answer.failureReason, 'pin_cancelled')
})

test('AZ-10: where the platform forwards no address the page shows this, and the starter’s claims are only shown as text', async () => {
  await using running = await withPin({ return: 'confirm' })
  const plain = await proved(running, stepTwo, starterAddress)
  assert.match((await plain.browser.open(plain.confirmation)).html, /not known/)
  const hostile = await proved(running, startedFrom(starterAddress, '<img src=x>'.repeat(50)), starterAddress)
  assert.ok(!(await hostile.browser.open(hostile.confirmation)).html.includes('<img'))
})

// Strangers who guess.

/** Enters wrong PINs, in as many sign-ins as it takes. */
async function guess(running: RunningAuthenticator, count: number, browser: Browser, username = 'ines'): Promise<void> {
  for (let left = count; left > 0; ) {
    let { page } = await begin(running, { event: stepOne }, browser)
    for (let attempt = 0; attempt < 5 && left > 0 && page.form; attempt++, left--) {
      page = await browser.send(page, { username, pin: wrongPin })
    }
  }
}

async function entersRight(running: RunningAuthenticator, browser: Browser): Promise<Shown> {
  const { page } = await begin(running, { event: stepOne }, browser)
  return browser.send(page, { username: 'ines', pin })
}

for (const mode of ['internal', 'federated'] as const) {
  test(`AZ-49: in mode ${mode} fifty wrong PINs of strangers do not lock the owner out`, async () => {
    await using running = await withPin({ mode })
    for (let network = 1; network <= 5; network++) await guess(running, 10, createBrowser(`198.51.100.${network}`))
    assert.ok((await entersRight(running, createBrowser(starterAddress))).forward)
  })
}

test('AZ-49: one network has ten wrong PINs of a user, and then waits, whichever of its addresses it uses', async () => {
  await using running = await withPin({ mode: 'internal' })
  for (let host = 1; host <= 2; host++) await guess(running, 5, createBrowser(`2001:db8:1:1::${host}`))
  assert.match((await entersRight(running, createBrowser('2001:db8:1:1::3'))).html, /Wait a while/)
  assert.ok((await entersRight(running, createBrowser('2001:db8:1:2::3'))).forward)
  running.clock.now += 900_000
  assert.ok((await entersRight(running, createBrowser('2001:db8:1:1::3'))).forward)
})

test('AZ-49: after a hundred wrong PINs from everywhere only browsers that signed in before may try', async () => {
  await using running = await withPin({ mode: 'internal' })
  const known = createBrowser(starterAddress)
  assert.ok((await entersRight(running, known)).forward)
  for (let network = 1; network <= 10; network++) await guess(running, 10, createBrowser(`198.51.100.${network}`))
  assert.match((await entersRight(running, createBrowser('198.51.100.99'))).html, /Wait a while/)
  assert.ok((await entersRight(running, known)).forward, 'the browser of the owner has a count of its own')
  await guess(running, 10, known)
  assert.match((await entersRight(running, known)).html, /Wait a while/, 'which ends too')
  running.clock.now += 3_600_000
  assert.ok((await entersRight(running, createBrowser('198.51.100.99'))).forward)
})

test('AZ-49: the owner in the network of a stranger signs in with a browser that did so before', async () => {
  await using running = await withPin({ mode: 'internal' })
  const known = createBrowser(starterAddress)
  assert.ok((await entersRight(running, known)).forward)
  await guess(running, 10, createBrowser(starterAddress))
  assert.match((await entersRight(running, createBrowser(starterAddress))).html, /Wait a while/)
  assert.ok((await entersRight(running, known)).forward)
})

test('AZ-49: a cookie that this extension did not make, or made for somebody else, makes no browser known', async () => {
  await using running = await withPin({ mode: 'internal', userAttempts: 3 })
  await running.administer('PUT', 'noor-id', { pin: '570813', username: 'noor' })
  const noor = createBrowser(starterAddress)
  const { page } = await begin(running, { event: stepOne }, noor)
  assert.ok((await noor.send(page, { username: 'noor', pin: '570813' })).forward)
  const known = createBrowser(starterAddress)
  assert.ok((await entersRight(running, known)).forward)
  const [nameOfInes = ''] = [...known.cookies.keys()].filter(name => name.includes('known'))
  const [[, valueOfNoor] = ['', '']] = [...noor.cookies].filter(([name]) => name.includes('known'))
  assert.ok(nameOfInes && valueOfNoor)
  await guess(running, 3, createBrowser(starterAddress))
  for (const value of [valueOfNoor, 'x.y', '']) {
    const forger = createBrowser(starterAddress)
    forger.cookies.set(nameOfInes, value)
    assert.match((await entersRight(running, forger)).html, /Wait a while/)
  }
})

test('AZ-49: a new PIN unlocks the user in every network', async () => {
  await using running = await withPin({ mode: 'internal' })
  await guess(running, 10, createBrowser(starterAddress))
  assert.match((await entersRight(running, createBrowser(starterAddress))).html, /Wait a while/)
  await running.administer('PUT', ines.id, { pin, username: 'ines' })
  assert.ok((await entersRight(running, createBrowser(starterAddress))).forward)
})

test('AZ-49: a header of the browser is believed only if it is configured', async () => {
  await using running = await withPin({ mode: 'internal', addressHeader: undefined })
  for (let network = 1; network <= 2; network++) await guess(running, 5, createBrowser(`198.51.100.${network}`))
  assert.match((await entersRight(running, createBrowser('198.51.100.3'))).html, /Wait a while/)
})

test('AZ-49: a second factor still locks its user, because anyone who guesses has passed the step before', async () => {
  await using running = await withPin({ userAttempts: 4 })
  for (let network = 1; network <= 4; network++) {
    const browser = createBrowser(`198.51.100.${network}`)
    const { page } = await begin(running, {}, browser)
    await browser.send(page, { pin: wrongPin })
  }
  const browser = createBrowser(starterAddress)
  const { page } = await begin(running, {}, browser)
  assert.match((await browser.send(page, { pin })).html, /Wait a while/)
})
