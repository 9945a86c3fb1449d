const xlink = require('@private.me/xlink');
const logging = require('@private.me/xlink/logging');
const metrics = require('@private.me/xlink/metrics');
const opentelemetry = require('@private.me/xlink/opentelemetry');
const express = require('express');
const story = require('./story.cjs');

story({ xlink, logging, metrics, opentelemetry, express });
