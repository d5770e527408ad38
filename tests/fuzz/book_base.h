/* A small sound book that has a row of everything: what a fuzzer's input changes is compiled in its place. */
#ifndef TOLL_TESTS_BOOK_BASE_H
#define TOLL_TESTS_BOOK_BASE_H

#include "memory_io.h"

static inline void book_base_add(struct memory_io *memory)
{
    static const char *const files[][2] = {
        {"book/book.yaml", "book: b\ncurrency: USD\ntimezone: America/New_York\non_net: account\n"
                           "jurisdiction_basis: carrier\n"},
        {"book/accounts.csv", "account,name,timezone,parent,class,sale,seller,tax_site\n"
                              "acme,Acme,,group,biz,,s,s1\nbeta,Beta,Europe/London,,,resale,s,\n"
                              "group,,,,,,,\n"},
        {"book/sites.csv", "site,account,state,area\ns1,acme,NY,nyc\n"},
        {"book/tax_jurisdictions.csv", "id,level,state,fips,parent\nUS,federal,,,\nNY,state,NY,36,US\n"
                                       "kings,county,,36047,NY\nmta,district,,,kings\nNJ,state,NJ,,US\n"},
        {"book/tax_areas.csv", "area,tax_jurisdiction\nnyc,mta\nnj,NJ\n"},
        {"book/sellers.csv",
         "seller,fusf_method,interstate_share,tax_services,from,to\n"
         "s,safe_harbour,,,,2026-03-10\ns,actual,0.5,,2026-03-10,\ns,traffic_study,25%,data,,\n"},
        {"book/tax_map.csv", "tax_service,product,service,class,jurisdiction,share\ntelecom,,,,,\n"
                             "voice,seat,,,,0.4\ndata,seat,,,,60%\n"},
        {"book/taxes.csv",
         "tax,tax_jurisdiction,level,kind,rate,amount,base,on_taxes,tax_services,customer_classes,sale,"
         "bracket_from,bracket_to,cap,threshold,from,to,sourcing,date_basis,exempt_by,line_basis,category,"
         "source,as_of,cadence\n"
         "sales,NY,,,4%,,,surcharge,,,,,,,,,2026-03-01,,,,,sales,law,2026-01-31,month\n"
         "sales,NY,,,5%,,,surcharge,,,,,,,,2026-03-01,,,,,,,,,\n"
         "surcharge,,county,,2.5%,,,surcharge;levy,,,any,,,,,,,,bill,,,,,,\n"
         "levy,kings,,,0.595%,,,surcharge;levy,voice;telecom,biz;home,,,,,,,,,,,,,,,\n"
         "fusf,US,,,33%,,interstate,,,,,,,,,,,origin,period,,,federal,,,\n"
         "util,mta,,,1%,,,fusf,,,,,100,50,10,,,two_of_three,,,,,,,\n"
         "util,mta,,,2%,,,fusf,,,,100,,50,10,,,,,,,,,,\n"
         "e911,,state,per_line,,0.5,,,,,,,,75,,,,,,named,number;seat:2.5;location,,,,\n"
         "minute,NJ,,per_minute,,0.001,,,,,,,,,5,,,,,,,,,,\n"
         "fee,NY,,fixed,,1,,,,,,,,,,,,,,,,,,,\nacc,US,,per_account,,2,,,,,,,,,,,,,,,,,,,\n"},
        {"book/exemptions.csv",
         "account,site,tax_jurisdiction,level,category,tax,percent,certificate,from,to\n"
         "acme,,NY,,sales,,50.5,C1,2026-03-03,\n,,,state,,e911,,,,\n"},
        {"book/charges.csv", "account,product,kind,amount,site,quantity,tax_included,from,to\n"
                             "acme,seat,recurring,10,s1,2.5,,,\nacme,seat,credit,1,,,yes,2026-03-05,\n"},
        {"book/numbers.csv", "number,account,site,from,to\n"
                             "12125550100,acme,s1,,\n"
                             "12125550200-12125550203,beta,,,\n"
                             "12125550300,acme,,,2026-03-03\n"
                             "12125550300,beta,,2026-03-04,\n"
                             "hint:B,beta,,,\ntrunk:T1,acme,,,\n"},
        {"book/npanxx.csv", "prefix,state,ratecenter,country,lata,area\n1212555,NY,NEW YORK,,132,nyc\n"
                            "1201555;12015561-12015563,NJ,NEWARK,,224,nj\n1416,ON,TORONTO,CA,,\n"},
        {"book/local_areas.csv", "from_ratecenter,to_ratecenter,to_state\nNEW YORK,NEWARK,NJ\n"},
        {"book/calltypes.csv", "calltype,jurisdiction,carrier\nLD,interstate,\nLD,intrastate,level3\n"},
        {"book/trunks.csv", "trunk,account,carrier\nT2,beta,level3\n"},
        {"book/carriers.csv", "carrier,feed_role\nlevel3,bill\nzayo,cost\n"},
        {"book/assignments.csv", "subject,plan,from,to,side\naccount:acme,p,,,\naccount:beta,q,,2026-03-02,\n"
                                 "account:beta,p,2026-03-02,,\ntrunk:T2,q,,,\ncarrier:level3,q,,,\n"
                                 "default,p,,,\nsite:s1,p,,,\nnumber:12125550203,q,,,\n"
                                 "default,b,,,buy\ncarrier:level3,b,,,buy\n"},
        {"book/bundles.csv",
         "bundle,unit,quantity,scope,destinations,debit,increment,period,anchor_day,"
         "rollover_periods,prorate,at_limit,direction\n"
         "num,s,600,number,,,,,,,,,out\nsite,s,60,site,UK;KEEP,used,6,anchor,31,2,yes,flag,\n"
         "acc,message,10,account,,,,anchor,,1,,reject,\nnamed,s,100,pool,,,,,,,,,\n"},
        {"book/services.csv", "service,account,type,site,number,quantity,from,to,product\n"
                              "1,acme,seat,s1,,3,,,seat\n"
                              "2,beta,seat,,12125550200,1,2026-03-01,2026-04-01,\n"
                              "3,acme,number,,18005550100,,,,\n"},
        {"book/subscriptions.csv",
         "subject,bundle,pool,times,from,to\nplan:q,num,,,,\ndefault,num,,count:seat,,\n"
         "number:12125550201,num,,2,,2026-06-01\nsite:s1,site,,,,\n"
         "account:acme,acc,,count:seat,2026-03-01,\nplan:p,acc,,,,\n"
         "account:beta,named,x,,,\ncarrier:level3,named,y,,,\n"},
        {"book/tiers.csv", "tiers,from_qty,rate,per,flat,unit,mode,scope,minimum_spend\n"
                           "t,,0.05,,1,s,volume,pool,5\nt,1000,0.04,6,,,,,\n"},
        {"book/fx.csv", "from,to,date,rate\nEUR,USD,2026-01-01,1.1\nEUR,USD,2026-03-02,1.2\n"},
        {"book/surcharges.csv", "subject,measure,amount,short_s,threshold_percent,apply,from,to\n"
                                "default,short_calls,0.01,6,15,,,\naccount:beta,attempts,0.005,,2.5,all,,\n"
                                "site:s1,short_calls,0.02,12,,,2026-03-02,2026-03-09\n"
                                "trunk:T1,no_ani,0.5,,,,,\ncarrier:level3,attempts,0.25,,50,,,\n"},
        {"book/plans.csv", "plan,name\np,P\nq,Q\nb,B\n"},
        {"book/plan_rules.csv",
         "plan,action,service,class,destination,trunk,deck,amount,percent,on_miss,priority,tiers\n"
         "p,free,,toll_free,,,,,,,1,\n"
         "p,flat,,n11,,,,1.25,,,1,\n"
         "p,reject,,premium,,,,,,,1,\n"
         "p,markup,event,,,,,0.01,10,,1,\n"
         "p,deck,,,,,c,,,next,2,\n"
         "p,deck,,,,,d,,,,3,\n"
         "q,deck,,,KEEP,T2,d,,,,1,\n"
         "q,deck,,,,,d,,,,2,\n"
         "q,deck,,,,,p,,,next,0,\n"
         "q,deck,voice,,UK,,k,,,next,-1,\n"
         "p,tiers,voice,premium,,,,,,,0,t\n"
         "b,deck,,,,,d,,,,,\n"},
        {"book/destinations.csv", "prefix,destination\n39,KEEP\n44,UK\n"},
        {"book/decks.csv", "deck,key,calendar,decimals,init_mode,zero_s,boundary,number_basis,"
                           "jurisdiction_basis,indeterminate\nd,,cal,4,round_total,connect,,,,\n"
                           "c,calltype,,,,,,,,\nk,caller,cal,,,,split,,site,higher\n"
                           "p,npanxx_pair,,,,,,lrn,ani_lrn,own\n"},
        {"book/deck_versions.csv", "deck,file,effective,mode\nd,d,,\nd,d2,2026-03-02,amend\n"},
        {"book/calendars.csv", "calendar,band,days,from,to\ncal,night,,20:00,06:00\ncal,off,6-7,,\n"},
        {"book/holidays.csv", "calendar,date,band\ncal,2026-07-03,off\n"},
        {"book/decks/d.csv", "prefix,destination,rate,per_s,increment_s,connect_fee,band,status\n"
                             ",all,0.1,,,,,\n1,US,0.06,,6,,,\n1202,DC,0.03,,,,night,\n"
                             "44,UK,0.02,60,1,0.01,,\n4470,UK p,,,,,,\n44900,UK x,0.5,,,,,blocked\n"},
        {"book/decks/d2.csv", "prefix,rate,from,to\n1,0.05,,\n1201-1203;1205,0.04,2026-03-02,2026-03-09\n"},
        {"book/decks/c.csv", "key,rate,per_s\nLD;LD2,0.03,1\n,0.02,60\n"},
        {"book/decks/k.csv", "prefix,rate,rate_inter,rate_intra,band,step_from_s,per_s,increment_s\n"
                             "1212555,0.04,0.05,0.03,,,,\n1212555,0.02,,,night,,30,\n"
                             "1212555,0.01,0.02,,night,30,,7\n1212,,,0.01,,,,\n"},
        {"book/decks/p.csv", "prefix,caller_prefix,rate,rate_intra,step_from_s,to\n"
                             "1202,1212555,0.06,0.05,,\n1202,1212555,0.03,,20,\n"
                             "44,1212;1201,0.1,,,2026-03-09\n39,,0.2,0.1,,\n,1201,0.3,,,\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        memory_add_text(memory, files[i][0], files[i][1]);
}

/* The same with every kind of deck in force: by caller and by pair, routing numbers, rates by jurisdiction,
 * steps and split bands. */
static inline void book_base_add_tariffs(struct memory_io *memory)
{
    static const char *const files[][2] = {
        {"book/plan_rules.csv",
         "plan,action,service,class,destination,trunk,deck,amount,percent,on_miss,priority,tiers\n"
         "p,free,,toll_free,,,,,,,1,\n"
         "p,flat,,n11,,,,1.25,,,1,\n"
         "p,deck,voice,on_net,,,s,,,,1,\n"
         "p,deck,voice,,UK,,s,,,,1,\n"
         "p,deck,sms,,,,o,,,next,1,\n"
         "p,deck,mms,,,,x,,,next,1,\n"
         "p,deck,data,,,,s,,,,1,\n"
         "p,markup,event,,,,,0.01,10,,1,\n"
         "p,deck,,,,,c,,,next,2,\n"
         "p,deck,,,,,j,,,next,3,\n"
         "p,deck,,,,,d,,,,4,\n"
         "q,deck,voice,,,,x,,,next,1,\n"
         "q,deck,,,KEEP,T2,d,,,,2,\n"
         "q,deck,,,,,j,,,,3,\n"
         "p,tiers,voice,premium,,,,,,,0,t\n"
         "b,deck,,,,,d,,,,,\n"},
        {"book/decks.csv",
         "deck,key,calendar,decimals,init_mode,zero_s,boundary,number_basis,jurisdiction_basis,"
         "indeterminate\n"
         "d,,cal,4,round_total,connect,,,,\nc,calltype,,,,,,,,\n"
         "s,,cal,6,round_total,minimum,split,,,\nj,,,,,,,lrn,site,higher\n"
         "o,caller,,,,,,lrn,,\nx,npanxx_pair,,,,,,lrn,ani_lrn,inter\n"},
        {"book/decks/s.csv",
         "prefix,rate,per_s,initial_s,increment_s,free_s,connect_fee,band,step_from_s,status\n"
         ",0.1,,25,8,3,0.4,,,\n,0.07,7,,,,,,30,\n,0.3,60,,60,,,night,,\n"
         ",0.2,13,,1,,,night,20,\n44,0.02,60,1,1,,,,,\n44,0.5,,,,,,,60,blocked\n"},
        {"book/decks/j.csv", "prefix,rate,rate_inter,rate_intra,rate_indeterminate,step_from_s,to\n"
                             "1,0.01,0.02,0.03,,,\n1,0.04,,0.05,0.06,60,\n1202,,0.1,,,,2026-03-09\n"
                             "1300,0.2,0.3,0.25,,,\n"},
        {"book/decks/o.csv", "prefix,rate,per_s\n1212,0.02,1\n1202555,0.03,1\n"},
        {"book/decks/x.csv", "prefix,caller_prefix,rate,rate_inter,step_from_s,to\n"
                             "1202;1300,1212,0.01,0.02,,\n1202;1300,1212,0.03,0.04,60,\n"
                             "1202555,1212,0.05,0.06,,2026-03-05\n44,,0.07,,,\n,1202,0.08,0.09,,\n"},
    };
    book_base_add(memory);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        memory_add_text(memory, files[i][0], files[i][1]);
}

#endif
