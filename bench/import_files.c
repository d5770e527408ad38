/* Delivered files: one month of calls in the order of their starts, as a provider's monthly file has them. */
#include "import_files.h"

#include "make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONTH_S (UINT64_C(31) * 86400)

static const char *const names[TOLL_SHAPES] = {"plain", "switch"};

static const char plain_spec[] =
    "spec: tollmill-cdr-map/1\n"
    "provider: bench-plain\n"
    "version: \"1\"\n"
    "file:\n"
    "  header: exact\n"
    "  names: [call_id, start_time, from, to, duration, direction, disposition, trunk, cost, currency]\n"
    "time: {zone: UTC}\n"
    "numbers:\n"
    "  plus:\n"
    "    - international: [\"+\"]\n"
    "    - short: {min: 1, max: 6}\n"
    "fields:\n"
    "  - {to: record_id, from: call_id, type: text}\n"
    "  - {to: start, from: start_time, type: time, format: iso}\n"
    "  - {to: caller, from: from, type: number, rules: plus}\n"
    "  - {to: callee, from: to, type: number, rules: plus}\n"
    "  - {to: duration, from: duration, type: seconds}\n"
    "  - {to: direction, from: direction, type: choice, map: {out: outbound, in: inbound}}\n"
    "  - {to: answered, from: disposition, type: choice, map: {\"yes\": ANSWERED, \"no\": \"NO ANSWER\"}}\n"
    "  - {to: trunk, from: trunk, type: text}\n"
    "  - {to: provider_charge, from: cost, type: money}\n"
    "key: [call_id]\n";

static const char switch_spec[] =
    "spec: tollmill-cdr-map/1\n"
    "provider: bench-switch\n"
    "version: \"1\"\n"
    "file:\n"
    "  header: exact\n"
    "  names: [node, sequence, type, calling, called, date, time, answer, elapsed, billed, cause, group_in,\n"
    "          group_out, account, class, codec, rate, amount, tax, note]\n"
    "time: {zone: America/New_York}\n"
    "numbers:\n"
    "  national:\n"
    "    - none: [anonymous, unknown]\n"
    "    - strip: \" ()-.\"\n"
    "    - international: [\"+\", \"011\"]\n"
    "    - nanp: yes\n"
    "    - short: {min: 2, max: 6}\n"
    "fields:\n"
    "  - {to: record_id, from: sequence, type: text}\n"
    "  - {to: start, from: [date, time], type: time, format: \"%m/%d/%Y %H:%M:%S\"}\n"
    "  - {to: answered, from: cause, type: choice, map: {\"yes\": [\"16\"], \"no\": [\"17\", \"19\", "
    "\"31\"]}}\n"
    "  - {to: duration, from: billed, type: hms}\n"
    "  - {to: total, from: elapsed, type: hms}\n"
    "  - {to: caller, from: calling, type: number, rules: national}\n"
    "  - {to: callee, from: called, type: number, rules: national}\n"
    "  - {to: direction, from: type, type: choice, map: {out: [O, T], in: [I]}}\n"
    "  - {to: trunk, from: group_out, type: text}\n"
    "  - {to: account_hint, from: account, type: text}\n"
    "  - {to: calltype, from: class, type: text}\n"
    "  - {to: provider_charge, from: amount, type: money}\n"
    "key: [node, sequence]\n"
    "warnings: {duration_over_total: yes}\n";

const char *toll_import_shape_name(enum toll_import_shape shape)
{
    return names[shape];
}

static void plain_row(FILE *file, int64_t row, uint64_t second)
{
    const uint64_t i = (uint64_t)row, bits = mix(7, i);
    const bool answered = pick(5, i, 100) < 78;

    fprintf(file, "%016llx%08x,2025-10-%02u", (unsigned long long)mix(1, i), (unsigned)row,
            (unsigned)(1 + second / 86400));
    fprintf(file, "T%02u:%02u:%02uZ,+1%03u%03u%04u", (unsigned)(second / 3600 % 24),
            (unsigned)(second / 60 % 60), (unsigned)(second % 60), 201 + (unsigned)pick(2, i, 780),
            200 + (unsigned)(bits % 800), (unsigned)(bits >> 16 & 8191));
    if (pick(3, i, 100) < 90)
        fprintf(file, ",+1%010llu,", (unsigned long long)(2010000000 + pick(4, i, 7900000000)));
    else
        fprintf(file, ",+44%010llu,", (unsigned long long)(1100000000 + pick(4, i, 8000000000)));
    fprintf(file, "%u,%s,%s,%s,0.%06u,USD\n", answered ? (unsigned)(1 + pick(6, i, 600)) : 0,
            bits >> 40 & 1 ? "outbound" : "inbound", answered ? "ANSWERED" : "NO ANSWER",
            pick(8, i, 50) == 0 ? "\"sip-east, 2\"" : "sip-east-1", (unsigned)pick(9, i, 1000000));
}

static void print_clock(FILE *file, unsigned seconds)
{
    fprintf(file, "%02u:%02u:%02u,", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void switch_row(FILE *file, int64_t row, uint64_t second)
{
    static const char *const causes[8] = {"16", "16", "16", "16", "16", "16", "17", "31"};
    static const char *const classes[4] = {"LOCAL", "INTRA", "INTER", "INTL"};
    const uint64_t i = (uint64_t)row, bits = mix(17, i);
    const char *cause = causes[bits >> 50 & 7];
    const unsigned billed = cause[1] == '6' ? (unsigned)(1 + pick(16, i, 600)) : 0;

    fprintf(file, "sw%02u,%010llu,%c,%03u%03u%04u,", (unsigned)(bits & 3), (unsigned long long)(1000 + i),
            "OTI"[pick(11, i, 3)], 201 + (unsigned)pick(12, i, 780), 200 + (unsigned)pick(13, i, 800),
            (unsigned)pick(14, i, 10000));
    if (pick(15, i, 20) == 0)
        fprintf(file, "01144%010llu,", (unsigned long long)(1100000000 + pick(18, i, 8000000000)));
    else
        fprintf(file, "1%03u%03u%04u,", 201 + (unsigned)pick(19, i, 780), 200 + (unsigned)pick(20, i, 800),
                (unsigned)pick(21, i, 10000));
    fprintf(file, "10/%02u/2025,", (unsigned)(1 + second / 86400));
    print_clock(file, (unsigned)(second % 86400));
    print_clock(file, (unsigned)((second + 5) % 86400));
    print_clock(file, billed + 5);
    print_clock(file, billed);
    fprintf(file, "%s,in-%02u,out-%02u,acct-%05u,%s,G711,,%u.%04u,,\n", cause, (unsigned)(bits >> 8 & 15),
            (unsigned)(bits >> 16 & 31), (unsigned)pick(22, i, 20000), classes[bits >> 24 & 3],
            (unsigned)(bits >> 32 & 1), (unsigned)pick(23, i, 10000));
}

static bool write_spec(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fputs(text, file) >= 0;

    return file != NULL && fclose(file) == 0 && written;
}

bool toll_import_files_write(const char *folder, enum toll_import_shape shape, int64_t rows)
{
    char path[400], part[420];
    FILE *file;
    bool failed;

    snprintf(path, sizeof path, "%s/%s.yaml", folder, names[shape]);
    if (!write_spec(path, shape == TOLL_SHAPE_PLAIN ? plain_spec : switch_spec))
        return false;
    snprintf(path, sizeof path, "%s/%s.csv", folder, names[shape]);
    if (access(path, F_OK) == 0)
        return true;
    snprintf(part, sizeof part, "%s.part", path);
    file = fopen(part, "w");
    if (file == NULL)
        return false;
    setvbuf(file, NULL, _IOFBF, 1 << 20);
    fputs(shape == TOLL_SHAPE_PLAIN
              ? "call_id,start_time,from,to,duration,direction,disposition,trunk,cost,currency\n"
              : "node,sequence,type,calling,called,date,time,answer,elapsed,billed,cause,group_in,group_out,"
                "account,class,codec,rate,amount,tax,note\n",
          file);
    for (int64_t row = 0; row < rows; row++) {
        const uint64_t second = (uint64_t)row * MONTH_S / (uint64_t)rows;

        if (shape == TOLL_SHAPE_PLAIN)
            plain_row(file, row, second);
        else
            switch_row(file, row, second);
    }
    failed = ferror(file) != 0;
    return fclose(file) == 0 && !failed && rename(part, path) == 0;
}
