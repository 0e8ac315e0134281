import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { ines, pin, type RunningAuthenticator, startAuthenticator, startPlatform } from './platform.fixture.ts'

const places = [
  process.env['PREFLOW_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = places.find(place => place !== '' && existsSync(place))

if (executablePath === undefined) {
  const skip = 'No Chromium was found. To run the page tests, install it or set PREFLOW_TEST_CHROMIUM.'
  test('the pages in a browser', { skip }, () => {})
} else {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const browser = await chromium.launch({ executablePath, args })
  after(() => browser.close())
  for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'
    test(`${how}: open the page, enter a wrong PIN, then the right one, and return to the application`, () =>
      walk(browser, javaScriptEnabled))
  }
  test('after a failed sign-in the browser returns to the application, which gets the error', () => fail(browser))
  test('a user name and a PIN can be entered with only the keyboard', () => type(browser))
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`the page is legible and fits a phone in the ${colorScheme} scheme`, () => fit(browser, colorScheme))
  }
}

async function start(settings: Parameters<typeof startAuthenticator>[0] = {}) {
  const platform = await startPlatform()
  const running = await startAuthenticator({ platformUrls: [platform.url], ...settings })
  platform.endpoint = running.url
  await running.administer('PUT', ines.id, { pin, username: 'ines' })
  return {
    platform,
    running,
    [Symbol.asyncDispose]: async () => {
      await platform[Symbol.asyncDispose]()
      await running[Symbol.asyncDispose]()
    },
  }
}

/** Collects the violations of our policy that the browser reports. They are visible nowhere else. */
async function open(browser: Browser, options: Parameters<Browser['newContext']>[0]) {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text())
  })
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
}

const enter = async (page: Page, digits: string) => {
  await page.getByLabel('PIN').fill(digits)
  await page.getByRole('button', { name: 'Continue' }).click()
}

async function walk(browser: Browser, javaScriptEnabled: boolean): Promise<void> {
  await using started = await start()
  await using opened = await open(browser, { javaScriptEnabled })
  const { page, complaints } = opened
  await page.goto(`${started.platform.url}/authorize`)
  assert.equal(new URL(page.url()).origin, started.running.url)
  assert.equal(await page.title(), 'Enter your PIN')
  assert.match((await page.locator('main p').first().textContent()) ?? '', /Gauge Board/)

  const field = page.getByLabel('PIN')
  const attribute = (name: string) => field.getAttribute(name)
  assert.deepEqual(
    [await attribute('inputmode'), await attribute('autocomplete'), await attribute('aria-describedby')],
    ['numeric', 'current-password', 'hint'],
  )
  await enter(page, '739204')
  const alert = page.getByRole('alert')
  await alert.waitFor()
  assert.equal(await alert.textContent(), 'That PIN is not right. Attempts left: 4.')
  assert.equal(await page.title(), 'Error: Enter your PIN')
  assert.deepEqual([await attribute('aria-invalid'), await attribute('aria-describedby')], ['true', 'error hint'])
  assert.equal(await alert.getAttribute('id'), 'error')
  assert.equal(await field.inputValue(), '')
  assert.ok(await field.evaluate(element => element === element.ownerDocument.activeElement))

  await enter(page, pin)
  await page.waitForURL(/\/app\?result=SUCCESS$/)
  assert.equal(await page.getByRole('heading').textContent(), 'SUCCESS')
  assert.deepEqual(
    started.platform.answers.map(answer => answer.actionStatus),
    ['INCOMPLETE', 'SUCCESS'],
  )
  assert.deepEqual(complaints, [])
}

async function fail(browser: Browser): Promise<void> {
  await using started = await start({ entryAttempts: 1 })
  await using opened = await open(browser, {})
  const { page } = opened
  await page.goto(`${started.platform.url}/authorize`)
  await enter(page, '739204')
  await page.getByRole('heading', { name: 'This sign-in has ended' }).waitFor()
  await page.getByRole('link', { name: 'Back to the sign-in' }).click()
  await page.waitForURL(/\/app\?result=FAILED$/)
  await page.goto(`${started.platform.url}/authorize`)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.waitForURL(/\/app\?result=FAILED$/)
  assert.equal(started.platform.answers.at(-1)?.failureReason, 'pin_cancelled')
  assert.deepEqual(opened.complaints, [])
}

async function type(browser: Browser): Promise<void> {
  await using started = await start({ mode: 'federated' })
  await using opened = await open(browser, {})
  const { page } = opened
  await page.goto(`${started.platform.url}/authorize`)
  assert.equal(await page.getByLabel('User name').getAttribute('autocomplete'), 'username')
  await page.keyboard.type('Ines')
  await page.keyboard.press('Tab')
  await page.keyboard.type(pin)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/app\?result=SUCCESS$/)
  assert.equal(started.platform.answers.at(-1)?.data?.user?.id, ines.id)
}

async function fit(browser: Browser, colorScheme: 'light' | 'dark'): Promise<void> {
  await using started = await start({ mode: 'federated' })
  await using opened = await open(browser, { viewport: { width: 360, height: 640 }, colorScheme })
  const { page } = opened
  await page.goto(await entryUrl(started.running))
  await enterBoth(page)
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.equal(overflow, 0, 'nothing is wider than the phone')
  for (const target of [
    page.getByLabel('User name'),
    page.getByLabel('PIN'),
    ...(await page.getByRole('button').all()),
  ]) {
    const box = await target.boundingBox()
    assert.ok(box && box.height >= 44 && box.x >= 0 && box.x + box.width <= 360, 'a finger can hit it')
  }
  const ratios = await page.evaluate(contrasts)
  assert.ok(ratios.length >= 7)
  for (const { text, ratio } of ratios) assert.ok(ratio >= 4.5, `${text}: ${ratio.toFixed(2)}`)
}

async function entryUrl(running: RunningAuthenticator): Promise<string> {
  const { answer } = await running.call()
  return answer.operations?.[0]?.url ?? ''
}

async function enterBoth(page: Page): Promise<void> {
  await page.getByLabel('User name').fill('ines')
  await enter(page, '739204')
  await page.getByRole('alert').waitFor()
}

/** Runs in the page: WCAG's contrast of all text against its background. */
function contrasts(): { text: string; ratio: number }[] {
  const canvas = document
    .createElement('canvas')
    .getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
  const paint = (colors: string[]): number => {
    for (const color of colors) {
      canvas.fillStyle = color
      canvas.fillRect(0, 0, 1, 1)
    }
    const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map(value => {
      const share = value / 255
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    }) as [number, number, number]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  return [...document.querySelectorAll('h1, p, label, button, .error, .hint')].map(element => {
    const behind: string[] = []
    for (let at: Element | null = element; at; at = at.parentElement)
      behind.unshift(getComputedStyle(at).backgroundColor)
    const ground = paint(behind)
    const ink = paint([...behind, getComputedStyle(element).color])
    return { text: element.textContent ?? '', ratio: (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05) }
  })
}
