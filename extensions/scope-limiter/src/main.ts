#!/usr/bin/env node
/** Runs scope-limiter. */
import { runService } from '@preflow/extension/service'
import { scopeLimiter } from './service.ts'

await runService(scopeLimiter, process)
