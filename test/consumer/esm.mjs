import * as xlink from '@private.me/xlink';
import * as logging from '@private.me/xlink/logging';
import * as metrics from '@private.me/xlink/metrics';
import * as opentelemetry from '@private.me/xlink/opentelemetry';
import express from 'express';
import story from './story.cjs';

await story({ xlink, logging, metrics, opentelemetry, express });
