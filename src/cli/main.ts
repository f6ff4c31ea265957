#!/usr/bin/env node
import { runCli } from './process.js';

await runCli();
