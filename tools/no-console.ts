/**
 * Loaded before every test file: a `console` call in a test run is a mistake that nobody reads, so it fails the test.
 * Programs write through their logger; tests say things by asserting.
 */
for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  console[method] = (...words: unknown[]): never => {
    throw new Error(`console.${method} in a test run: ${words.map(String).join(' ')}`)
  }
}
