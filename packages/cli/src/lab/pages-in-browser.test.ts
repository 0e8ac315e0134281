import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import { startTestLab } from './lab.fixture.ts'

const places = [
  process.env['PREFLOW_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = places.find(place => place !== '' && existsSync(place))

if (executablePath === undefined) {
  const skip = 'Chromium was not found. Install it, or set PREFLOW_TEST_CHROMIUM, to test the pages.'
  test('a sign-in of the lab in a browser', { skip }, () => {})
} else {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-pages-'))
  const lab = await startTestLab(folder)
  const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
  const browser = await chromium.launch({ executablePath, args })
  after(async () => {
    await browser.close()
    await lab.close()
    await rm(folder, { recursive: true })
  })

  for (const [size, viewport] of [
    ['a phone', { width: 360, height: 640 }],
    ['a desktop', { width: 1200, height: 800 }],
  ] as const) {
    for (const javaScriptEnabled of [true, false]) {
      const how = javaScriptEnabled ? 'with JavaScript' : 'without JavaScript'
      test(`on ${size}, ${how}: from the application through password and PIN to the tokens, and a refusal for a blocked address`, () =>
        walk(browser, { viewport, javaScriptEnabled }))
    }
  }

  async function walk(browser: Browser, options: Parameters<Browser['newContext']>[0]): Promise<void> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', message => {
      if (/content security policy/i.test(message.text())) complaints.push(message.text())
    })
    const fits = async () => {
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.equal(overflow, 0, `${page.url()} is wider than its window`)
    }
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const [{ userName, password, pin } = { userName: '', password: '' }] = lab.demo.users

    await page.goto(lab.webUrl)
    await fits()
    await button('Sign in').click()
    await page.getByLabel('User name').fill(userName)
    await page.getByLabel('Password').fill(password)
    await button('Sign in').click()
    await page.getByLabel('PIN').fill(pin ?? '')
    await button('Continue').click()
    const result = page.getByRole('heading', { name: 'Signed in as Mira Example' })
    await button('Allow').click()
    await result.waitFor()
    await fits()

    await page.getByRole('link', { name: 'Sign in again' }).click()
    await page.getByLabel('An address in a blocked country').check()
    await button('Sign in').click()
    await page.getByRole('alert').waitFor()
    assert.equal(await page.getByRole('alert').textContent(), 'Access token issuance is blocked from your region KP.')
    assert.match((await page.locator('dl').textContent()) ?? '', /Call id\s*[\w-]{36}/)
    await fits()

    await page.getByRole('link', { name: 'Sign out' }).click()
    await button('Sign out').click()
    await button('Sign in').waitFor()
    assert.equal(page.url(), `${lab.webUrl}/`)
    assert.deepEqual(complaints, [])
    await context.close()
  }
}
