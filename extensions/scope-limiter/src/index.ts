export { type Configuration, type ScopeLimit, settings } from './configuration.ts'
export { createScopeLimiter, type ScopeLimiterPorts } from './scope-limiter.ts'
export { scopeLimiter } from './service.ts'
