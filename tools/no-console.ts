/**
 * Loaded before every test file. A `console` call in a test run is an error, because nobody reads its output. Programs
 * use their logger, and tests use assertions.
 */
for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  console[method] = (...words: unknown[]): never => {
    throw new Error(`console.${method} in a test run: ${words.map(String).join(' ')}`)
  }
}
