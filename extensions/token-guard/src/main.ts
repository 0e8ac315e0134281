#!/usr/bin/env node
/** Runs token-guard. */
import { runService } from '@preflow/extension/service'
import { tokenGuard } from './service.ts'

await runService(tokenGuard, process)
