/* The plain world, taxed. */
#include "taxes.h"
#include "book_file.h"
#include "make.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define STATES 50u
#define COUNTIES 1500u
#define CITIES 4449u /* with these and the nation there are 6,000 */

static void put_state(FILE *file, unsigned state)
{
    fprintf(file, "%c%c", 'A' + state / 26, 'A' + state % 26);
}

static bool write_jurisdictions(const char *folder)
{
    FILE *file = create(folder, "tax_jurisdictions.csv", "id,level,state,parent");
    FILE *areas = create(folder, "tax_areas.csv", "area,tax_jurisdiction");
    if (file == NULL || areas == NULL)
        return false;
    fputs("US,federal,,\n", file);
    for (unsigned i = 0; i < STATES; i++) {
        fprintf(file, "S%02u,state,", i);
        put_state(file, i);
        fputs(",US\n", file);
    }
    for (unsigned i = 0; i < COUNTIES; i++)
        fprintf(file, "C%04u,county,,S%02u\n", i, i % STATES);
    for (unsigned i = 0; i < CITIES; i++) {
        fprintf(file, "T%04u,city,,C%04u\n", i, i % COUNTIES);
        fprintf(areas, "a%04u,T%04u\n", i, i);
    }
    return (fclose(file) != 0) + (fclose(areas) != 0) == 0;
}

static bool write_taxes(const char *folder)
{
    FILE *file = create(folder, "taxes.csv",
                        "tax,category,tax_jurisdiction,level,tax_services,rate,on_taxes,exempt_by,from,to");
    FILE *map = create(folder, "tax_map.csv", "jurisdiction,tax_service");
    if (file == NULL || map == NULL)
        return false;
    fputs("local,local\nintrastate,intrastate\ninterstate,interstate\ninternational,international\n"
          "indeterminate,interstate\n",
          map);
    fputs("fund,usf,US,,interstate;international,20%,,named,,2025-10-16\n"
          "fund,usf,US,,interstate;international,21.5%,,named,2025-10-16,\n"
          "excise,excise,US,,local,3%,,,,\n",
          file);
    for (unsigned i = 0; i < STATES; i++)
        fprintf(file, "sales,sales,S%02u,,,%u.%02u%%,,,,\n", i, 1 + (unsigned)pick(80, i, 7),
                (unsigned)pick(81, i, 100));
    for (unsigned i = 0; i < COUNTIES; i++)
        fprintf(file, "county,sales,C%04u,,local;intrastate,0.%u%%,,,,\n", i, 1 + (unsigned)pick(82, i, 9));
    for (unsigned i = 0; i < CITIES; i++)
        if (pick(83, i, 3) != 0)
            fprintf(file, "utility,utility,T%04u,,local;intrastate;interstate,%u.%u%%,utility,,,\n", i,
                    1 + (unsigned)pick(84, i, 6), (unsigned)pick(85, i, 10));
    return (fclose(file) != 0) + (fclose(map) != 0) == 0;
}

static bool write_accounts(const char *folder, uint32_t count)
{
    static const char *const zones[] = {"America/New_York", "America/Chicago"};
    FILE *accounts = create(folder, "accounts.csv", "account,name,class,sale,timezone,cycle_day");
    FILE *sites = create(folder, "sites.csv", "site,account,area");
    FILE *exemptions = create(folder, "exemptions.csv", "account,category,percent");
    if (accounts == NULL || sites == NULL || exemptions == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        fprintf(accounts, "A%06u,Account %u,%s,%s,%s,%s\n", i, i, pick(86, i, 4) == 0 ? "business" : "",
                pick(87, i, 50) == 0 ? "resale" : "", zones[pick(88, i, 2)],
                pick(89, i, 4) == 0 ? "15" : "1");
        fprintf(sites, "s%06u,A%06u,a%04u\n", i, i, (unsigned)pick(90, i, CITIES));
        if (pick(91, i, 40) == 0)
            fprintf(exemptions, "A%06u,sales,%s\n", i, pick(92, i, 2) == 0 ? "" : "50");
    }
    return (fclose(accounts) != 0) + (fclose(sites) != 0) + (fclose(exemptions) != 0) == 0;
}

int toll_taxes_write_tables(const char *folder, const struct toll_world_size *size)
{
    if (write_jurisdictions(folder) && write_taxes(folder) && write_accounts(folder, size->numbers / 10))
        return 0;
    fprintf(stderr, "the bench world of taxes cannot be written in %s\n", folder);
    return -1;
}

int toll_taxes_write(const char *folder, const struct toll_world_size *size)
{
    return toll_world_write(folder, size) == 0 ? toll_taxes_write_tables(folder, size) : -1;
}
